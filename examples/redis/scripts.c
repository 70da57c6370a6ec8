/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scripts.h"

/*
 * The room is made before the value is put, but nothing is let go unless all is
 * as expected. A full server refuses the first command that needs memory; once a
 * script has written it goes through to its end, so it is never half done.
 */
static const char change[] =
    "local life = tonumber(ARGV[6])\n"
    "local function get(k) return redis.call('HGET', KEYS[1], k) or '' end\n"
    "local function drop(k)\n"
    "  redis.call('HDEL', KEYS[1], k)\n"
    "  redis.call('ZREM', KEYS[2], k)\n"
    "  if KEYS[3] ~= KEYS[2] then redis.call('ZREM', KEYS[3], k) end\n"
    "end\n"
    /* Redis may let the names of a volatile table go and not the values, or the values alone. */
    "if life > 0 and redis.call('HLEN', KEYS[1]) ~= redis.call('ZCARD', KEYS[2]) then\n"
    "  redis.call('UNLINK', KEYS[1], KEYS[2])\n"
    "end\n"
    "local key, value = ARGV[1], ARGV[3]\n"
    "if get(key) ~= ARGV[2] then return -1 end\n"
    "if value == '' then drop(key) return 0 end\n"
    "local home, other = KEYS[2], KEYS[3]\n"
    "if ARGV[4] == 'n' then home, other = KEYS[3], KEYS[2] end\n"
    "if not redis.call('ZSCORE', home, key) then\n"
    "  local count, bound, need = redis.call('ZCARD', home), tonumber(ARGV[5]), 0\n"
    "  if count > bound then need = 2 elseif count == bound then need = 1 end\n"
    "  if (#ARGV - 6) / 2 < need then return need end\n"
    "  for i = 7, 5 + 2 * need, 2 do\n"
    "    if get(ARGV[i]) ~= ARGV[i + 1] then return -1 end\n"
    "    if not redis.call('ZSCORE', home, ARGV[i]) then return -1 end\n"
    "  end\n"
    "  for i = 7, 5 + 2 * need, 2 do drop(ARGV[i]) end\n"
    "end\n"
    "redis.call('HSET', KEYS[1], key, value)\n"
    "redis.call('ZADD', home, 0, key)\n"
    "if other ~= home then redis.call('ZREM', other, key) end\n"
    "if life > 0 then\n"
    "  redis.call('PEXPIRE', KEYS[1], life)\n"
    "  redis.call('PEXPIRE', KEYS[2], life)\n"
    "end\n"
    "return 0\n";

static const char release[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end\n"
    "return 0\n";

const char *const redis_scripts[2] = { change, release };
