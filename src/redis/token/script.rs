//! What Redis does in one step. KEYS are the record, the mark of the key that seals, and the lock; `ARGV[1]` is our mark.

use std::sync::LazyLock;

use ::redis::Script;

/// The largest sealed record, in bytes.
pub(super) const LARGEST: usize = 256 * 1024;

/// Before everything: records sealed by another key are not ours to touch. A mark that is no text is none.
const OURS: &str = r"
local function text(key) return redis.call('TYPE', key)['ok'] == 'string' and redis.call('GET', key) end
local mark = text(KEYS[2])
if mark and mark ~= ARGV[1] then return {-1} end
";

fn ours(code: &str) -> Script {
    Script::new(&format!("{OURS}{code}"))
}

/// `ARGV[2]` is the largest size. Gives 1, the generation and the sealed record; 0 where there is none to be had.
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    ours(
        r"if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then return {0} end
local size = redis.call('HSTRLEN', KEYS[1], 'sealed')
if size == 0 or size > tonumber(ARGV[2]) or redis.call('HSTRLEN', KEYS[1], 'generation') > 20 then return {0} end
return {1, redis.call('HGET', KEYS[1], 'generation') or '', redis.call('HGET', KEYS[1], 'sealed')}",
    )
});

/// `ARGV[2]` is the largest size, then come the generation, the sealed record, its life in milliseconds, the longest
/// such life, and the SHA-1 of what stands there and could not be opened. Gives 1, or 0 where what is kept is as new.
pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| {
    ours(
        r"local kind = redis.call('TYPE', KEYS[1])['ok']
if kind == 'hash' then
  local kept = tonumber(redis.call('HGET', KEYS[1], 'generation') or '')
  local size = redis.call('HSTRLEN', KEYS[1], 'sealed')
  local whole = kept and size > 0 and size <= tonumber(ARGV[2])
  if whole and kept >= tonumber(ARGV[3]) then
    if ARGV[7] == '' or redis.sha1hex(redis.call('HGET', KEYS[1], 'sealed')) ~= ARGV[7] then return {0} end
  end
end
if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'generation', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[6])
return {1}",
    )
});

/// `ARGV[2]` is the holder, `ARGV[3]` the life of the lock. Gives 1 where it is ours now. One without an end is no lock,
/// and one of the same process, which is what the first 36 characters name, is one whose answer was lost.
pub(super) static LOCK: LazyLock<Script> = LazyLock::new(|| {
    ours(
        r"local held = text(KEYS[3])
local own = held and string.sub(held, 1, 36) == string.sub(ARGV[2], 1, 36)
if own or redis.call('PTTL', KEYS[3]) == -1 then redis.call('DEL', KEYS[3]) end
return {redis.call('SET', KEYS[3], ARGV[2], 'NX', 'PX', ARGV[3]) and 1 or 0}",
    )
});

/// `ARGV[2]` is the holder, `ARGV[3]` the life that the lock has from now on; 0 lets it go. Gives 1 where it is held.
pub(super) static HOLD: LazyLock<Script> = LazyLock::new(|| {
    ours(
        r"if text(KEYS[3]) ~= ARGV[2] then return {0} end
if ARGV[3] == '0' then redis.call('DEL', KEYS[3]) else redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
return {1}",
    )
});
