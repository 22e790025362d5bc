//! What Redis does in one step. `KEYS[1]` are the marks of an origin: the field `epoch`, and one for each place.

use std::sync::LazyLock;

use ::redis::Script;

/// The largest sealed value, in bytes.
pub(super) const LARGEST: usize = 8 << 20;

/// `KEYS[2]` is the value, ARGV are the next epoch, the life of marks in milliseconds, the largest size, and the places.
/// Gives the epoch with the marks of the places, and the value, if there is one to be had.
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local marks, value = KEYS[1], KEYS[2]
local whole = redis.call('TYPE', marks)['ok'] == 'hash'
local function mark(field)
  if redis.call('HSTRLEN', marks, field) > 32 then whole = false end
  return whole and redis.call('HGET', marks, field) or ''
end
local stamp = whole and mark('epoch') or ''
for at = 4, #ARGV do
  if stamp ~= '' then stamp = stamp .. ',' .. mark(ARGV[at]) end
end
if not whole or stamp == '' then
  redis.call('DEL', marks)
  redis.call('HSET', marks, 'epoch', ARGV[1])
  redis.call('PEXPIRE', marks, ARGV[2])
  return {ARGV[1] .. string.rep(',', #ARGV - 3), false}
end
if redis.call('TYPE', value)['ok'] ~= 'string' or redis.call('STRLEN', value) > tonumber(ARGV[3]) then
  return {stamp, false}
end
return {stamp, redis.call('GET', value)}",
    )
});

/// `KEYS[2]` is the value, ARGV are its text, its life, and that of marks, in milliseconds. Without marks nothing is kept,
/// since no stamp would tell that it is true.
pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1",
    )
});

/// ARGV are the next epoch, the new mark, the life of marks in milliseconds, how many there may be, and the places.
pub(super) static INVALIDATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local marks = KEYS[1]
local whole = redis.call('TYPE', marks)['ok'] == 'hash'
if not whole or redis.call('HLEN', marks) + #ARGV - 4 > tonumber(ARGV[4]) then
  redis.call('DEL', marks)
  redis.call('HSET', marks, 'epoch', ARGV[1])
end
for at = 5, #ARGV do redis.call('HSET', marks, ARGV[at], ARGV[2]) end
redis.call('PEXPIRE', marks, ARGV[3])
return 1",
    )
});
