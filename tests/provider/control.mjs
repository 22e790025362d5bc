// The side for the test, below /-/: what was counted, tokens without a browser, faults, and an API behind the tokens.
import { all, kept } from './memory.mjs';

const zero = () => ({ arrived: 0, answered: 0, redeemed: {}, refused: {}, reuse: 0, clients: {}, requests: [] });
let counts = zero();
let faults = [];
let held = [];
let waiting = [];
let browser = { user: 'ada' };
/** The ids of JWTs that are not to be taken any more; they stand in no list. */
const spent = new Set();

const tell = () => {
  const due = waiting.filter(({ test }) => test());
  waiting = waiting.filter(({ test }) => !test());
  due.forEach(({ answer }) => answer());
};
const bump = (of, key) => { of[key] = (of[key] ?? 0) + 1; };
const shown = new Set(['grant_type', 'client_id', 'scope', 'username', 'resource', 'audience', 'token_type', 'bypass']);

/** Counts what happens at the token endpoint. */
export function record(provider) {
  const client = (ctx) => {
    const id = ctx.oidc.client?.clientId ?? 'none';
    return (counts.clients[id] ??= { requests: 0, redeemed: {}, refused: {}, reuse: 0 });
  };
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'token') return;
    const fields = Object.entries(ctx.oidc.body ?? {}).map(([name, value]) => [name, shown.has(name) ? value : '***']);
    const by = ctx.get('authorization') ? 'basic' : ctx.oidc.body?.client_secret ? 'post' : 'none';
    counts.requests.push({ by, status: ctx.status, fields: Object.fromEntries(fields), headers: traced(ctx.req) });
    client(ctx).requests += 1;
  });
  provider.on('grant.success', (ctx) => {
    bump(counts.redeemed, ctx.oidc.params.grant_type);
    bump(client(ctx).redeemed, ctx.oidc.params.grant_type);
  });
  provider.on('grant.error', (ctx, error) => {
    bump(counts.refused, error.error);
    bump(client(ctx).refused, error.error);
    if (error.error_detail === 'refresh token already used') {
      counts.reuse += 1;
      client(ctx).reuse += 1;
    }
  });
}

const traced = (req) => Object.fromEntries(
  ['user-agent', 'x-request-id', 'traceparent', 'tracestate'].filter((name) => req.headers[name])
    .map((name) => [name, req.headers[name]]),
);

const body = async (req) => {
  let text = '';
  for await (const piece of req) text += piece;
  return text && JSON.parse(text);
};

const say = (res, status, value, headers = {}) => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(value === undefined ? undefined : JSON.stringify(value));
};

/** The whole server: this side first, then faults at the token endpoint, then the provider; `verify` reads a JWT. */
export function control(provider, callback, verify) {
  return async (req, res) => {
    const url = new URL(req.url, provider.issuer);
    try {
      if (url.pathname.startsWith('/-/interaction/')) return await interact(provider, req, res);
      if (url.pathname === '/-/resource' || url.pathname.startsWith('/-/resource/')) {
        return await resource(provider, verify, url, req, res);
      }
      if (url.pathname.startsWith('/-/')) return await command(provider, url, req, res);
      // Where Open edX has it.
      if (url.pathname === '/oauth2/access_token') req.url = '/token';
      if (url.pathname === '/token' || req.url === '/token') return await token(callback, req, res);
      return callback(req, res);
    } catch (error) {
      return say(res, 500, { error: String(error) });
    }
  };
}

/** A request at the token endpoint, with the fault that is next. */
async function token(callback, req, res) {
  counts.arrived += 1;
  const fault = faults.shift() ?? {};
  tell();
  const hold = () => new Promise((go) => { held.push(go); });
  if (fault.delay) await new Promise((go) => { setTimeout(go, fault.delay); });
  if (fault.hold === 'before') await hold();
  if (fault.drop === 'before') return req.socket.resetAndDestroy();
  if (fault.status) {
    res.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
    return res.end(fault.body ?? '');
  }
  if (fault.hold === 'after' || fault.drop === 'after') {
    const { end } = res;
    res.writeHead = () => res;
    res.flushHeaders = () => {};
    res.write = () => true;
    res.end = async (...rest) => {
      counts.answered += 1;
      tell();
      if (fault.drop) return req.socket.resetAndDestroy();
      await hold();
      delete res.writeHead;
      delete res.write;
      return end.apply(res, rest);
    };
  } else {
    res.on('finish', () => { counts.answered += 1; tell(); });
  }
  return callback(req, res);
}

/** Signs in and consents without a page: as the user whom the last /-/browser named, or a login hint. */
async function interact(provider, req, res) {
  const { params, prompt, grantId } = await provider.interactionDetails(req, res);
  if (browser.deny) {
    const result = { error: 'access_denied', error_description: 'the user said no' };
    return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  }
  const accountId = params.login_hint ?? browser.user;
  const grant = (grantId && (await provider.Grant.find(grantId)))
    || new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? 'openid');
  for (const [indicator, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, scopes.join(' '));
  }
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(req, res, result);
}

const commands = {
  async counts(_provider, url) {
    // With ?arrived=3 or ?answered=3 it answers as soon as there are that many.
    const [[what, least] = []] = [...url.searchParams];
    const test = () => counts[what] >= Number(least);
    if (what && !test()) await new Promise((answer) => { waiting.push({ test, answer }); });
    return counts;
  },
  async reset() {
    counts = zero();
    faults = [];
    browser = { user: 'ada' };
    return {};
  },
  async faults(_provider, _url, list) {
    faults.push(...list);
    return {};
  },
  async release() {
    held.splice(0).forEach((go) => go());
    return {};
  },
  async browser(_provider, _url, as) {
    browser = as;
    return {};
  },
  /** A first refresh token for a user, as if there had been a sign-in. */
  async grant(provider, _url, { user = 'ada', client: id = 'confidential', scope = 'openid read write' }) {
    const client = await provider.Client.find(id);
    const grant = new provider.Grant({ accountId: user, clientId: id });
    grant.addOIDCScope(scope);
    const given = { accountId: user, client, grantId: await grant.save(), gty: 'authorization_code', scope };
    const refresh = new provider.RefreshToken({ ...given, rotations: 0, authTime: Math.floor(Date.now() / 1000) });
    return { refresh_token: await refresh.save() };
  },
  /** What a user says to a device code: {user_code, user} or {user_code, deny}. */
  async device(provider, _url, { user_code: text, user = 'ada', deny = false }) {
    const code = await provider.DeviceCode.findByUserCode(text.replace(/\W/g, '').toUpperCase());
    if (!code || code.error || code.accountId) throw new Error('no such device code waits');
    if (deny) {
      Object.assign(code, { error: 'access_denied', errorDescription: 'the user said no' });
    } else {
      const grant = new provider.Grant({ accountId: user, clientId: code.clientId });
      const scope = code.params.scope ?? 'openid';
      grant.addOIDCScope(scope);
      Object.assign(code, { accountId: user, authTime: Math.floor(Date.now() / 1000), grantId: await grant.save(), scope });
    }
    await code.save();
    return {};
  },
  /** Ends access tokens at once: {token}, {user}, or all of them. */
  async expire(_provider, _url, { token: value, user } = {}) {
    let ended = 0;
    for (const model of ['AccessToken', 'ClientCredentials']) {
      for (const [id] of all(model, (kind) => !user || kind.accountId === user)) {
        if (value && value !== id) continue;
        kept.delete(`${model}:${id}`);
        ended += 1;
      }
    }
    if (value?.split('.').length === 3) spent.add(value);
    return { ended };
  },
  /** Ends what a user allowed, refresh tokens included, as an administrator would. */
  async revoke(_provider, _url, { user }) {
    for (const model of ['AccessToken', 'RefreshToken', 'Grant']) {
      for (const [id] of all(model, (kind) => kind.accountId === user)) kept.delete(`${model}:${id}`);
    }
    return {};
  },
};

async function command(provider, url, req, res) {
  const run = commands[url.pathname.slice(3)];
  if (!run) return say(res, 404, { error: `no such command: ${url.pathname}` });
  return say(res, 200, await run(provider, url, (await body(req)) || undefined));
}

/** An API that asks the provider about the token: Bearer or JWT, or the three headers of the MAX way. */
async function resource(provider, verify, url, req, res) {
  const path = url.pathname.slice('/-/resource'.length);
  // Public, as such servers have it: where their users sign in.
  if (path === '/info') return say(res, 200, { max: { oauth_server: provider.issuer }, version: '1' });
  const [scheme, bearer] = (req.headers.authorization ?? '').split(' ');
  const max = req.headers['x-oauth-token'];
  const found = await active(provider, verify, max ?? (/^(bearer|jwt)$/i.test(scheme) ? bearer : undefined));
  const named = !max || (found?.user === req.headers['x-oauth-username'] && req.headers['x-oauth-scope']);
  if (!found || !named) {
    const given = max || bearer;
    const challenge = given ? 'Bearer realm="api", error="invalid_token"' : 'Bearer realm="api"';
    const error = { error: 'Unauthorized', error_description: given ? 'the token is not active' : 'sign in first' };
    return say(res, 401, error, { 'www-authenticate': challenge });
  }
  const needed = path.match(/^\/needs\/(\w+)/)?.[1];
  if (needed && !found.scope.split(' ').includes(needed)) {
    const challenge = `Bearer realm="api", error="insufficient_scope", scope="${needed}"`;
    return say(res, 403, { error: 'insufficient_scope' }, { 'www-authenticate': challenge });
  }
  return say(res, 200, { ...found, method: req.method, path, scheme: max ? 'MAX' : scheme });
}

async function active(provider, verify, value) {
  if (!value || spent.has(value)) return undefined;
  if (value.split('.').length === 3) {
    const claims = await verify(value).catch(() => undefined);
    return claims && { user: claims.sub, client: claims.client_id, scope: claims.scope ?? '', audience: claims.aud };
  }
  const token = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
  return token?.isValid ? { user: token.accountId, client: token.clientId, scope: token.scope ?? '' } : undefined;
}
