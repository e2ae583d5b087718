#include "engine/redis_scripts.h"

#include "base/assert.h"

namespace wsd::engine {

namespace {

// XADD is the call that may fail for reasons of the server (OOM, NOREPLICAS, MISCONF, READONLY,
// WRONGTYPE), and it comes before all other writes. After it, a failure must leave no message
// behind that has a position, and a success must not be reported as a failure. Hence each further
// call is a pcall.
//
// XADD without NOMKSTREAM would give a deleted room its old epoch again.
//
// The id ends with "-0" only if the stream's epoch is lower than the publisher's, because an epoch
// begins at 1 or later. The stream then goes beyond both epochs, so that no position of the
// publisher's epoch can be given.
//
// Most calls have two arguments and do not trim, because three more arguments and the look for old
// entries cost Redis a sixth of the call.
//
// KEYS[2] is the key of a message that must not be placed twice, ARGV[6] its fingerprint, and
// ARGV[7] the milliseconds for which it is remembered. The reply is an array if an earlier message
// had the key.
constexpr std::string_view kPublish = R"lua(
local key, once, text, count, oldest = KEYS[1], KEYS[2], ARGV[2], ARGV[3], ARGV[4]
if once then
  local earlier = redis.call('GET', once)
  if earlier then
    local place, fingerprint = string.match(earlier, '^(%S+) (%S+)$')
    if fingerprint == ARGV[6] then return {place} end
    return redis.error_reply('KEYUSED another message has the key')
  end
end
local id
if oldest and oldest ~= '' then
  id = redis.pcall('XADD', key, 'NOMKSTREAM', 'MINID', '~', oldest, ARGV[1], 'd', text)
else
  id = redis.pcall('XADD', key, 'NOMKSTREAM', ARGV[1], 'd', text)
end
if type(id) ~= 'string' then
  if not id then return redis.error_reply('EPOCH the room has no key') end
  if string.find(id.err, 'equal or smaller', 1, true) then
    return redis.error_reply('EPOCH the room has a later epoch')
  end
  return id
end
if string.sub(id, -2) == '-0' then
  local epoch = tonumber(string.sub(id, 1, -3))
  redis.pcall('XSETID', key, string.format('%.0f-1', epoch + 1048576))
  redis.pcall('XDEL', key, id)
  return redis.error_reply('EPOCH the room had an earlier epoch')
end
if count and count ~= '1' then
  local epoch, seq = string.match(id, '(%d+)-(%d+)')
  local set = redis.pcall('XSETID', key, string.format('%s-%.0f', epoch, seq + count - 1))
  if set.err then
    redis.pcall('XDEL', key, id)
    return set
  end
end
if once then
  local set = redis.pcall('SET', once, id .. ' ' .. ARGV[6], 'PX', ARGV[7])
  if set.err then
    redis.pcall('XDEL', key, id)
    return set
  end
end
if ARGV[5] then redis.pcall('PEXPIRE', key, ARGV[5]) end
redis.pcall('SPUBLISH', key, #text > 65536 and id .. ' !' .. (count or 1) or id .. ' ' .. text)
return id
)lua";

// An epoch is 33 bits of eighths of a second since 2024 and 20 bits of the replid, which a double
// represents exactly. A new epoch begins if the key is missing, if the bits are another server's,
// or if the node has seen a later position: then the server has lost messages.
//
// Without a key, SEQ begins at 8 times the microseconds into the eighth of a second, so that two
// epochs of one room that begin in the same eighth have no position in common.
constexpr std::string_view kOpen = R"lua(
local key, seen_epoch, seen_seq = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local now = redis.call('TIME')
local replication = redis.call('INFO', 'replication')
local replid = string.match(replication, 'master_replid:(%x%x%x%x%x)')
local bits = replid and tonumber(replid, 16)
if bits ~= tonumber(ARGV[4]) or not string.find(replication, 'role:master', 1, true) then
  return redis.error_reply('REPLID the server is another one, or not a master')
end
local epoch, seq, begun, first = 0, 0, 0, '0-0'
local info = redis.pcall('XINFO', 'STREAM', key)
if info.err then
  if not string.find(info.err, 'no such key', 1, true) then return info end
else
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      local e, s = string.match(info[i + 1], '(%d+)-(%d+)')
      epoch, seq = tonumber(e), tonumber(s)
    elseif info[i] == 'recorded-first-entry-id' then
      first = info[i + 1]
      break
    end
  end
end
if info.err or epoch % 1048576 ~= bits or epoch < seen_epoch
    or (epoch == seen_epoch and seq < seen_seq) then
  local eighth = (now[1] - 1704067200) * 8 + math.floor(now[2] / 125000)
  local after = math.floor(math.max(epoch, seen_epoch) / 1048576) + 1
  epoch, begun = math.max(eighth, after) * 1048576 + bits, 1
  local done
  if info.err then
    seq = math.max(now[2] % 125000 * 8, 1)
    done = redis.pcall('XADD', key, 'MAXLEN', '=', '0', string.format('%.0f-%.0f', epoch, seq),
                       'd', '')
  else
    seq = math.max(seq, seen_seq)
    done = redis.pcall('XSETID', key, string.format('%.0f-%.0f', epoch, seq))
  end
  if type(done) == 'table' and done.err then return done end
end
redis.pcall('PEXPIRE', key, ARGV[3])
return {string.format('%.0f', epoch), seq, begun, now[1], now[2], first}
)lua";

// The first step reads one entry, because it may be the only one that there is space for. Each
// further step reads about as many as there is space for, because Redis copies all that it reads.
constexpr std::string_view kPage = R"lua(
local key, at = KEYS[1], ARGV[2]
local command, other = 'XRANGE', '+'
if ARGV[1] == '+' then command, other = 'XREVRANGE', '-' end
local most_bytes, most, most_text = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local page, entries, bytes = {}, 0, 0
local step = 1
while entries < most and bytes < most_bytes do
  local got = redis.call(command, key, at, other, 'COUNT', step)
  for i = 1, #got do
    local text = got[i][2][2]
    if #text > most_text then
      text = '!' .. (string.match(string.sub(text, 1, 96), '^%S+ %S+ %S+ (%d+)\n') or 1)
    end
    bytes = bytes + #text
    if entries > 0 and bytes > most_bytes then return page end
    entries = entries + 1
    page[2 * entries - 1] = got[i][1]
    page[2 * entries] = text
  end
  if #got < step then
    page[2 * entries + 1] = 'end'
    return page
  end
  at = '(' .. got[#got][1]
  local space = math.floor((most_bytes - bytes) * entries / math.max(bytes, 1))
  step = math.max(1, math.min(16, most - entries, space))
end
return page
)lua";

// A missing right is reported as "ERR The user executing the script can't run this command ..." by
// Redis 7.0, and as "ERR ACL failure in script: ..." by Redis from 7.2 on and by Valkey.
constexpr std::string_view kProbe = R"lua(
local key, denied = KEYS[1], {}
local signs = {'NOPERM', 'ACL failure in script', "can't run this command",
               "can't access at least one"}
local function try(...)
  local reply = redis.pcall(...)
  local err = type(reply) == 'table' and reply.err
  for i = 1, #signs do
    if err and string.find(err, signs[i], 1, true) then
      denied[#denied + 1] = (...)
      break
    end
  end
end
try('TIME')
try('INFO', 'replication')
try('XADD', key, 'MAXLEN', '=', '0', '*', 'd', '')
try('XINFO', 'STREAM', key)
try('XSETID', key, '18446744073709551615-1')
try('XDEL', key, '1-1')
try('XRANGE', key, '-', '+', 'COUNT', '1')
try('XREVRANGE', key, '+', '-', 'COUNT', '1')
try('PEXPIRE', key, '1')
try('GET', key)
try('SET', key, '', 'PX', '1')
try('SPUBLISH', key, '')
return denied
)lua";

}  // namespace

std::string_view source_of(Script script) noexcept {
  switch (script) {
    case Script::kPublish:
      return kPublish;
    case Script::kOpen:
      return kOpen;
    case Script::kPage:
      return kPage;
    case Script::kProbe:
      return kProbe;
  }
  WSD_ASSERT(false);
  return {};
}

}  // namespace wsd::engine
