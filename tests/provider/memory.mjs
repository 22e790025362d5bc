// What the provider keeps: in memory, without a limit, and with redemptions that are strict even when two come at once.

export const kept = new Map();

const members = ['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode'];

/** Every kept artifact of `model` for which `matches` holds, as [id, payload]. */
export function* all(model, matches = () => true) {
  for (const [key, payload] of kept) {
    if (key.startsWith(`${model}:`) && matches(payload)) yield [key.slice(model.length + 1), payload];
  }
}

/** The adapter, which refuses what is consumed twice by calling `twice(payload)`. */
export const memory = (twice) =>
  class Memory {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
      kept.set(this.key(id), payload);
    }

    async find(id) {
      return kept.get(this.key(id));
    }

    async findByUid(uid) {
      for (const [, payload] of all(this.model, (payload) => payload.uid === uid)) return payload;
      return undefined;
    }

    async findByUserCode(code) {
      for (const [, payload] of all(this.model, (payload) => payload.userCode === code)) return payload;
      return undefined;
    }

    async destroy(id) {
      kept.delete(this.key(id));
    }

    async consume(id) {
      const payload = kept.get(this.key(id));
      if (payload.consumed) {
        await this.revokeByGrantId(payload.grantId);
        twice(payload);
      }
      payload.consumed = Math.floor(Date.now() / 1000);
    }

    async revokeByGrantId(grantId) {
      for (const model of members) {
        for (const [id] of all(model, (payload) => payload.grantId === grantId)) kept.delete(`${model}:${id}`);
      }
    }
  };
