"""The ledger's statements for SQLite (3.35 and later). Lists of rows come as JSON and are read by `json_each`.

Every writing transaction begins with BEGIN IMMEDIATE, so that who reads a row in it holds the lock on it already.
"""

from __future__ import annotations

from sendkit.outbox._statements import Texts


def _rows(*columns: str) -> str:
    """One argument, a JSON array of arrays, as a table."""
    fields = ", ".join(f"json_extract(value, '$[{place}]') as {name}" for place, name in enumerate(columns))
    return f"(select {fields} from json_each(?))"


_VERSION_1 = (
    """create table sendkit_letter (
  id integer primary key autoincrement, uid text not null unique, key text unique, account text not null,
  lane text not null, priority integer not null, state text not null, due real not null, expires real not null,
  created real not null, settled real, token integer not null default 0, owner text,
  attempts integer not null default 0, reverse_path text not null, message_id text, size integer not null,
  eight_bit integer not null, utf8 integer not null, kind text not null, warned integer not null default 0,
  holding integer not null default 0)""",
    """create index sendkit_letter_ready on sendkit_letter (account, lane, priority, id) where state = 'ready'""",
    """create index sendkit_letter_later on sendkit_letter (due) where state = 'later'""",
    """create index sendkit_letter_again on sendkit_letter (due) where state = 'later' and attempts > 0""",
    """create index sendkit_letter_working on sendkit_letter (owner) where state = 'working'""",
    """create index sendkit_letter_settled on sendkit_letter (settled) where state = 'settled'""",
    """create table sendkit_recipient (
  letter_id integer not null references sendkit_letter (id) on delete cascade, n integer not null,
  address text not null, state text not null, token integer, attempts integer not null default 0, reply text,
  reason text, at real, primary key (letter_id, n)) without rowid""",
    """create index sendkit_recipient_open on sendkit_recipient (state, at) where state in ('sending', 'in_doubt')""",
    """create index sendkit_recipient_address on sendkit_recipient (address)""",
    """create table sendkit_shared (id integer primary key, digest text not null unique, octets blob not null,
  at real not null)""",
    """create table sendkit_content (
  letter_id integer not null references sendkit_letter (id) on delete cascade, seq integer not null, octets blob,
  shared_id integer references sendkit_shared (id), primary key (letter_id, seq))""",
    """create index sendkit_content_shared on sendkit_content (shared_id) where shared_id is not null""",
    """create table sendkit_attempt (
  id integer primary key, letter_id integer not null references sendkit_letter (id) on delete cascade,
  token integer not null, owner text, at real not null, summary text not null)""",
    """create index sendkit_attempt_letter on sendkit_attempt (letter_id)""",
    """create table sendkit_event (
  id integer primary key autoincrement, letter_id integer not null references sendkit_letter (id) on delete cascade,
  kind text not null, at real not null, data text not null, owner text, told integer not null default 0)""",
    """create index sendkit_event_letter on sendkit_event (letter_id)""",
    """create index sendkit_event_untold on sendkit_event (id) where told = 0""",
    """create table sendkit_account (
  name text primary key, why text not null, since real not null, probe real not null, failures integer not null)""",
    """create table sendkit_lane (
  name text primary key, paused integer not null default 0, rate real, tokens real not null default 0,
  refilled real not null default 0)""",
    "create table sendkit_worker (id text primary key, host text not null, pid integer not null, seen real not null)",
)

# `epoch`: see `_rules`; `options`: see `_kept_options`.
_VERSION_2 = (
    "alter table sendkit_letter add column epoch text",
    "alter table sendkit_letter add column options text",
)

# Domains ignore case (RFC 5321 section 2.4). `accounts`: whose letters a worker takes; null for everybody's.
_VERSION_3 = (
    "drop index sendkit_recipient_address",
    "create index sendkit_recipient_address on sendkit_recipient (lower(address))",
    "alter table sendkit_worker add column accounts text",
)

_LETTER = [
    "uid",
    "key",
    "account",
    "lane",
    "priority",
    "state",
    "due",
    "expires",
    "created",
    "reverse_path",
    "message_id",
    "size",
    "eight_bit",
    "utf8",
    "kind",
    "options",
]
_IDS = f"(select id from {_rows('id')})"


def _numbered(argument: int, *columns: str) -> str:
    """The same, of the argument with this number, without its brackets."""
    fields = ", ".join(f"json_extract(value, '$[{place}]') as {name}" for place, name in enumerate(columns))
    return f"{fields} from json_each(?{argument})"


_MARK = _numbered(1, "letter_id", "n", "token")
_ACCEPTED = _numbered(1, "id", "token", "owner", "summary")
_VERDICT = _numbered(3, "letter_id", "n", "reply", "reason")
_SETTLED_NOW = "join sendkit_letter l on l.id = j.id and l.token = j.token and l.state = 'settled' and l.settled = ?2"

SQLITE = Texts(
    schema=(_VERSION_1, _VERSION_2, _VERSION_3),
    has_meta="select 1 from sqlite_master where type = 'table' and name = 'sendkit_meta'",
    lock_schema="select 1",  # BEGIN IMMEDIATE has locked it
    create_meta="create table if not exists sendkit_meta (k text primary key, v text)",
    meta="select v from sendkit_meta where k = ? and v is not null",
    set_meta="insert into sendkit_meta (k, v) values (?, ?) on conflict (k) do update set v = excluded.v",
    known=f"""select id, uid, key, message_id from sendkit_letter where key in (select k from {_rows("k")})
union select id, uid, key, message_id from sendkit_letter where uid in (select u from {_rows("u")})""",
    insert_letters=f"insert into sendkit_letter ({', '.join(_LETTER)}) select * from "
    + _rows(*_LETTER)
    + " where true on conflict do nothing returning id, uid",
    insert_recipients="insert into sendkit_recipient (letter_id, n, address, state) select * from "
    + _rows("letter_id", "n", "address", "state"),
    insert_content="insert into sendkit_content (letter_id, seq, octets, shared_id) values (?, ?, ?, ?)",
    insert_shared="insert into sendkit_shared (digest, octets, at) values (?, ?, ?)"
    " on conflict (digest) do update set at = excluded.at returning id",
    put_one=None,
    accounts="""with recursive found (account) as (
  select min(account) from sendkit_letter where state = 'ready'
  union all
  select (select min(account) from sendkit_letter where state = 'ready' and account > found.account)
  from found where account is not null)
select account from found where account is not null""",
    held_accounts="select name, why, since, probe, failures from sendkit_account",
    hold_account="insert into sendkit_account (name, why, since, probe, failures) values (?, ?, ?, ?, ?)"
    " on conflict (name) do update set why = excluded.why, probe = excluded.probe, failures = excluded.failures",
    take_probe="update sendkit_account set probe = ?3, failures = failures + 1 where name = ?1 and probe <= ?2"
    " returning name",
    free_account="delete from sendkit_account where name = ? returning name",
    hurry="update sendkit_letter set state = 'ready', due = 0 where state = 'later' and account = ? and attempts > 0",
    # A loose index scan: it takes one step for each lane, however many letters are in it.
    lanes=f"""with recursive wanted as (select account from {_rows("account")}),
begin (account, lane) as (select ?, ?),
pair (account, lane) as (
  select wanted.account, case when wanted.account > begin.account then
    (select min(l.lane) from sendkit_letter l where l.state = 'ready' and l.account = wanted.account)
    else (select min(l.lane) from sendkit_letter l
      where l.state = 'ready' and l.account = wanted.account and l.lane > begin.lane) end
  from wanted, begin where wanted.account >= begin.account
  union all
  select pair.account, (select min(l.lane) from sendkit_letter l
    where l.state = 'ready' and l.account = pair.account and l.lane > pair.lane)
  from pair where pair.lane is not null)
select account, lane from pair where lane is not null and lane not in (
  select name from sendkit_lane where paused
    or (rate is not null and min(max(1.0, rate), tokens + max(0.0, ? - refilled) * rate) < 1))
order by account, lane limit ?""",
    lane_rules=f"select name, paused, rate, tokens, refilled from sendkit_lane"
    f" where name in (select name from {_rows('name')})",
    paused_lanes="select name, (select count(*) from sendkit_letter l where l.lane = r.name"
    " and l.state in ('ready', 'later')) from sendkit_lane r where paused order by name",
    spend="update sendkit_lane set tokens = j.tokens, refilled = j.refilled from "
    + _rows("name", "tokens", "refilled")
    + " j where sendkit_lane.name = j.name",
    begin_epoch="select 1",  # it is the machine's, and so begun
    ready="select id, priority from sendkit_letter where state = 'ready' and account = ? and lane = ?"
    " order by priority, id limit ?",
    ready_one="select account, lane from sendkit_letter"
    " where id = ? and (state = 'ready' or (state = 'later' and due <= ?))",
    claim="update sendkit_letter set state = 'working', token = token + 1, owner = ?2, attempts = attempts + 1,"
    " epoch = sendkit_epoch()"
    " where id in (select json_extract(value, '$[0]') from json_each(?1)) and state in ('ready', 'later')"
    " returning id, uid, token, account, lane, reverse_path, message_id, size, eight_bit, utf8, attempts, created,"
    " expires, kind, options",
    waiting_recipients=f"select letter_id, n, address from sendkit_recipient where letter_id in {_IDS}"
    " and state = 'waiting' order by letter_id, n",
    content=f"""select c.letter_id, coalesce(c.octets, s.octets) from sendkit_content c
join sendkit_letter l on l.id = c.letter_id left join sendkit_shared s on s.id = c.shared_id
where c.letter_id in {_IDS} and l.size <= ? order by c.letter_id, c.seq""",
    content_block="select coalesce(c.octets, s.octets) from sendkit_content c"
    " left join sendkit_shared s on s.id = c.shared_id where c.letter_id = ? and c.seq = ?",
    lock="select id, state, token, owner, attempts, created, expires, kind, warned, holding,"
    " epoch is (select sendkit_epoch()) from sendkit_letter"
    f" where id in {_IDS}",
    recipients=f"select letter_id, n, address, state, token, attempts from sendkit_recipient where letter_id in {_IDS}"
    " order by letter_id, n",
    mark="update sendkit_recipient set state = 'sending', token = j.token, at = ?2 from"
    " (select json_extract(value, '$[0]') as letter_id, json_extract(value, '$[1]') as n,"
    " json_extract(value, '$[2]') as token from json_each(?1)) j"
    " where sendkit_recipient.letter_id = j.letter_id and sendkit_recipient.n = j.n",
    change_recipients="update sendkit_recipient set state = j.state, token = j.token, attempts = j.attempts,"
    # What says nothing new leaves what the server said last.
    " reply = case when j.reply is null and j.reason is null then sendkit_recipient.reply else j.reply end,"
    " reason = case when j.reply is null and j.reason is null then sendkit_recipient.reason else j.reason end,"
    " at = ?2 from"
    " (select json_extract(value, '$[0]') as letter_id, json_extract(value, '$[1]') as n,"
    " json_extract(value, '$[2]') as state, json_extract(value, '$[3]') as token,"
    " json_extract(value, '$[4]') as attempts, json_extract(value, '$[5]') as reply,"
    " json_extract(value, '$[6]') as reason from json_each(?1)) j"
    " where sendkit_recipient.letter_id = j.letter_id and sendkit_recipient.n = j.n",
    change_letters="update sendkit_letter set state = j.state, due = j.due, token = j.token, owner = j.owner,"
    " attempts = j.attempts, warned = j.warned, settled = j.settled, holding = 0 from "
    + _rows("id", "state", "due", "token", "owner", "attempts", "warned", "settled")
    + " j where sendkit_letter.id = j.id",
    insert_attempts="insert into sendkit_attempt (letter_id, token, owner, summary, at)"
    " select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
    " json_extract(value, '$[3]'), ?2 from json_each(?1)",
    insert_events="insert into sendkit_event (letter_id, kind, data, at) select json_extract(value, '$[0]'),"
    " json_extract(value, '$[1]'), json_extract(value, '$[2]'), ?2 from json_each(?1)",
    lock_alone=None,  # BEGIN IMMEDIATE has locked it
    mark_swiftly=f"""with j as materialized (select {_MARK}) update sendkit_recipient set state = 'sending',
  token = j.token, at = ?2 from j where sendkit_recipient.letter_id = j.letter_id and sendkit_recipient.n = j.n
  and exists (select 1 from sendkit_letter l where l.id = j.letter_id and l.state = 'working' and l.token = j.token)
  and not exists (select 1 from j a left join sendkit_recipient r on r.letter_id = a.letter_id and r.n = a.n
    where a.letter_id = j.letter_id and (r.state is null or r.state not in ('waiting', 'sending')))
returning letter_id""",
    # First the letters; those that are settled at this very moment were settled by it.
    accept=(
        f"""update sendkit_letter set state = 'settled', settled = ?2, owner = null, holding = 0
from (select {_ACCEPTED}) j
where sendkit_letter.id = j.id and sendkit_letter.token = j.token and sendkit_letter.state = 'working' and not exists (
  select 1 from sendkit_recipient r where r.letter_id = j.id and r.state in ('waiting', 'sending')
  and not exists (select 1 from (select {_VERDICT}) v where v.letter_id = r.letter_id and v.n = r.n))""",
        f"""insert into sendkit_attempt (letter_id, token, owner, summary, at)
select j.id, j.token, j.owner, j.summary, ?2 from (select {_ACCEPTED}) j {_SETTLED_NOW}""",
        f"""update sendkit_recipient set state = 'accepted', attempts = sendkit_recipient.attempts + 1, reply = v.reply,
  reason = v.reason, at = ?2 from (select {_VERDICT}) v
where sendkit_recipient.letter_id = v.letter_id and sendkit_recipient.n = v.n
  and sendkit_recipient.state in ('waiting', 'sending')
  and exists (select 1 from (select {_ACCEPTED}) j {_SETTLED_NOW} where j.id = v.letter_id)
returning letter_id""",
    ),
    working_of="select id from sendkit_letter where state = 'working' and owner = ?",
    find="select id, uid from sendkit_letter where uid = ?1 or (length(?1) >= 6 and uid >= ?1 and uid < ?1 || 'g')"
    " order by uid limit 2",
    status="select id, uid, key, account, lane, priority, case when state in ('later', 'ready') and exists"
    " (select 1 from sendkit_account a where a.name = l.account) then 'held' else state end, due, expires, created,"
    " settled, attempts, owner, reverse_path, message_id, size, kind,"
    " (select why from sendkit_account a where a.name = l.account) from sendkit_letter l"
    f" where id in {_IDS} order by id",
    recipient_status="select letter_id, address, state, attempts, reply, reason, at from sendkit_recipient"
    f" where letter_id in {_IDS} order by letter_id, n",
    attempts="select at, owner, summary from sendkit_attempt where letter_id = ? order by id",
    first_attempts="select letter_id, min(at) from sendkit_attempt"
    f" where owner is not null and letter_id in {_IDS} group by letter_id",
    events="select e.id, l.uid, l.key, l.message_id, e.kind, e.at, e.data from sendkit_event e"
    " join sendkit_letter l on l.id = e.letter_id where e.letter_id = ? order by e.id",
    select="""select id from sendkit_letter l where (?1 is null or state = ?1
    or (?1 = 'held' and state in ('later', 'ready') and exists (select 1 from sendkit_account where name = account)))
  and (?2 is null or id in (select letter_id from sendkit_recipient where state = ?2))
  and (?3 is null or id in (select letter_id from sendkit_recipient where lower(address) in (
    select lower(value) from json_each(?3)) and substr(address, 1, length(?9)) = ?9))
  and (?4 is null or lane = ?4) and (?5 is null or key = ?5) and (?6 is null or account = ?6) and id > ?7
order by id limit ?8""",
    count_letters="select account, state, count(*), min(created) from sendkit_letter group by account, state",
    count_recipients="select count(*) from sendkit_recipient where state = ?",
    take_events="update sendkit_event set owner = ? where id in (select id from sendkit_event"
    " where told = 0 and owner is null order by id limit ?) returning id",
    events_of="select e.id, l.uid, l.key, l.message_id, e.kind, e.at, e.data from sendkit_event e"
    " join sendkit_letter l on l.id = e.letter_id where e.told = 0 and e.owner = ? order by e.id",
    tell="update sendkit_event set told = 1 where id = ?",
    free_events="update sendkit_event set owner = null where told = 0 and owner = ?",
    set_holding="update sendkit_letter set holding = ? where id = ?",
    flush="update sendkit_letter set state = 'ready', due = 0"
    " where state = 'later' and attempts > 0 and (?1 is null or account = ?1) returning id",
    probe_now="update sendkit_account set probe = 0 where ?1 is null or name = ?1",
    add_lane="insert into sendkit_lane (name, tokens, refilled) values (?, 1, ?) on conflict do nothing",
    pause_lane="update sendkit_lane set paused = ? where name = ?",
    rate_lane="update sendkit_lane set rate = ?, tokens = 1, refilled = ? where name = ?",
    purge_content="""delete from sendkit_content where letter_id in (
  select l.id from sendkit_letter l where l.state = 'settled' and l.settled < ?
  and exists (select 1 from sendkit_content c where c.letter_id = l.id)
  and not exists (select 1 from sendkit_recipient r where r.letter_id = l.id and r.state = 'in_doubt')
  order by l.settled limit ?) returning letter_id""",
    purge_letters="""delete from sendkit_letter where id in (
  select l.id from sendkit_letter l where l.state = 'settled' and l.settled < ?
  and not exists (select 1 from sendkit_recipient r where r.letter_id = l.id and r.state = 'in_doubt')
  and not exists (select 1 from sendkit_event e where e.letter_id = l.id and e.told = 0 and e.owner is not null)
  order by l.settled limit ?) returning id""",
    purge_shared="""delete from sendkit_shared where id in (
  select s.id from sendkit_shared s where s.at < ?
  and not exists (select 1 from sendkit_content c where c.shared_id = s.id) limit ?)""",
    promote="update sendkit_letter set state = 'ready', due = 0 where id in"
    " (select id from sendkit_letter where state = 'later' and due <= ? order by due limit ?) returning id",
    hasten="update sendkit_letter set state = 'ready', due = 0 where id in (select id from sendkit_letter"
    " where state = 'later' and attempts > 0 and due > ? limit ?) returning id",
    any_delayed="select 1 from sendkit_letter where state = 'later' and attempts > 0 and due > ? limit 1",
    any_ready="select 1 from sendkit_letter where state = 'ready' limit 1",
    next_due="select min(due) from sendkit_letter where state = 'later'",
    count_beat="insert into sendkit_meta (k, v) values ('beats', '1')"
    " on conflict (k) do update set v = cast(coalesce(v, 0) as integer) + 1 returning cast(v as integer)",
    add_worker="insert into sendkit_worker (id, host, pid, seen, accounts) values (?, ?, ?, ?, ?)"
    " on conflict (id) do update set seen = excluded.seen",
    remove_worker="delete from sendkit_worker where id = ?",
    owners="select id, seen, accounts from sendkit_worker union all select distinct owner, null, null"
    " from sendkit_letter where state = 'working' and owner not in (select id from sendkit_worker)",
)
