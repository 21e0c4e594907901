import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed, pause } from '../feed.js';

// A clock whose timers go off when the test says so.
function harness({ probe = async () => {} } = {}) {
  const sockets = [], frames = [], states = [], timers = new Map();
  let next = 1;
  const feed = new Feed({
    open(since) {
      const socket = { since, closed: false, close() { this.closed = true; } };
      sockets.push(socket);
      return socket;
    },
    onFrame: (e) => frames.push(e), onState: (s) => states.push(s), probe, random: () => 1,
    timers: {
      setTimeout(run, ms) { timers.set(next, { run, ms }); return next++; },
      clearTimeout: (id) => timers.delete(id),
    },
  });
  const fire = () => { const [id, { run }] = [...timers].at(-1); timers.delete(id); return run(); };
  return { feed, sockets, frames, states, timers, fire, say: (e) => sockets.at(-1).onmessage({ data: JSON.stringify(e) }) };
}

test('the pauses double up to a limit, with jitter', () => {
  assert.deepEqual([0, 1, 2, 3, 20].map((n) => pause(n, () => 1)), [500, 1000, 2000, 4000, 15000]);
  assert.equal(pause(2, () => 0), 1000);
});

test('each numbered frame is handed on once, live ones always', () => {
  const h = harness();
  h.feed.start('5-0');
  h.sockets[0].onopen();
  for (const SEQ of ['5-0', '5-1', '5-1', '4-9', '6-0']) h.say({ CMD: 'UpEnded', SEQ });
  h.say({ CMD: 'heartbeat' });
  h.say({ CMD: 'heartbeat' });
  assert.deepEqual(h.frames.map((f) => f.SEQ ?? f.CMD), ['5-1', '6-0', 'heartbeat', 'heartbeat']);
});

test('a lost connection is shown and taken up again where it stopped', () => {
  const h = harness();
  h.feed.start('5-0');
  h.sockets[0].onopen();
  h.say({ CMD: 'UpEnded', SEQ: '7-0' });
  h.sockets[0].onclose();
  assert.deepEqual(h.states, ['live', 'lost']);
  assert.equal([...h.timers.values()].at(-1).ms, 500);
  h.fire();
  h.sockets[1].onclose();
  assert.equal([...h.timers.values()].at(-1).ms, 1000);
  h.fire();
  h.sockets[2].onopen();
  assert.deepEqual(h.sockets.map((s) => s.since), ['5-0', '7-0', '7-0']);
  assert.equal(h.states.at(-1), 'live');
  assert.equal(h.feed.attempt, 0);
});

test('waking tries at once, and does nothing while connected or stopped', () => {
  const h = harness();
  h.feed.start('');
  h.feed.wake();
  assert.equal(h.sockets.length, 1);
  h.sockets[0].onclose();
  h.feed.wake();
  assert.equal(h.sockets.length, 2);
  h.feed.stop();
  h.feed.wake();
  assert.equal(h.sockets.length, 2);
});

test('a stopped feed stays stopped, whatever its old socket says', () => {
  const h = harness();
  h.feed.start('');
  h.sockets[0].onopen();
  h.feed.stop();
  assert.ok(h.sockets[0].closed);
  h.sockets[0].onmessage({ data: '{"CMD":"UpEnded","SEQ":"9-0"}' });
  h.sockets[0].onclose();
  assert.deepEqual([h.frames.length, h.timers.size, h.states.at(-1)], [0, 0, 'live']);
});

test('after a long silence a server that answers keeps the connection, one that does not loses it', async () => {
  let away = false;
  const h = harness({ probe: async () => { if (away) throw new Error('away'); } });
  h.feed.start('');
  h.sockets[0].onopen();
  await h.fire();
  assert.equal(h.states.at(-1), 'live');
  assert.equal(h.timers.size, 1);
  away = true;
  await h.fire();
  assert.equal(h.states.at(-1), 'lost');
  assert.ok(h.sockets[0].closed);
});

test('what is no JSON is passed over', () => {
  const h = harness();
  h.feed.start('');
  h.sockets[0].onopen();
  h.sockets[0].onmessage({ data: 'pong' });
  h.say({ CMD: 'NodeUp', SEQ: '1-0' });
  assert.equal(h.frames.length, 1);
});
