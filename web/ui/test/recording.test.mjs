import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, can, concerns, isLive, matches, newer, places, progressOf, shares } from '../recording.js';

const base = () => ({
  id: '0123456789abcdef', state: 'running', run: 1, updated_at: '2026-11-22T08:00:00Z', created_at: '2026-11-22T07:00:00Z',
  name: '小满', title: '早安 Radio', room_id: 23058, path: '23058/a.flv', node: 'attic',
  steps: [
    { id: 'mp4', type: 'transcode', state: 'running', run: 1 },
    { id: 'up', type: 'upload', state: 'pending' },
    { id: 'tell', type: 'notify', state: 'pending' },
  ],
});
const event = (CMD, more) => ({ CMD, ID: '0123456789abcdef', TS: '2026-11-22T08:01:00.000Z', STATE: 'running', RUN: 1, ...more });
const states = (r) => r.steps.map((s) => s.state).join(' ');

test('the end of a step shows its output and queues the next', () => {
  const r = after(base(), event('TranscodeEnded', { STEP: 'mp4', OUT: { path: 'a.mp4' } }));
  assert.equal(states(r), 'done queued pending');
  assert.equal(r.steps[0].output.path, 'a.mp4');
  assert.equal(states(after(r, event('UpStarted', { STEP: 'up', TS: '2026-11-22T08:02:00.000Z' }))), 'done running pending');
});

test('a held step says why, and the recording waits', () => {
  const r = after(base(), event('StepHeld', { STEP: 'mp4', STATE: 'waiting', MSG: 'disk is full' }));
  assert.equal(r.state, 'waiting');
  assert.equal(states(r), 'held pending pending');
  assert.equal(r.steps[0].reason, 'disk is full');
});

test('a failed flow keeps its error in full', () => {
  let r = after(base(), event('TranscodeError', { STEP: 'mp4', STATE: 'failed', MSG: 'no video' }));
  r = after(r, event('FlowFinished', { STATE: 'failed', MSG: 'no video' }));
  assert.deepEqual([r.state, r.error, states(r)], ['failed', 'no video', 'failed pending pending']);
  assert.deepEqual(can(r), { retry: true, cancel: false, run: false });
});

test('a retry starts again at the step that failed', () => {
  const failed = { ...base(), state: 'failed', error: 'x', steps: [{ id: 'mp4', type: 'transcode', state: 'done' }, { id: 'up', type: 'upload', state: 'failed', error: 'x', run: 1 }] };
  const r = after(failed, event('FlowStarted', { RUN: 2 }));
  assert.deepEqual([r.state, r.error, r.run, states(r), r.steps[1].error], ['running', undefined, 2, 'done pending', undefined]);
});

test('cancelling stops the step that was going on and no other', () => {
  const r = after(base(), event('FlowFinished', { STATE: 'cancelled', MSG: 'cancelled by a person' }));
  assert.equal(states(r), 'cancelled pending pending');
});

test('what came late, belongs to a former run or to another thing changes nothing', () => {
  const r = base();
  assert.equal(after(r, event('TranscodeEnded', { STEP: 'mp4', TS: '2026-11-22T07:59:59.999Z' })), r);
  const second = { ...base(), run: 2 };
  assert.equal(after(second, event('TranscodeEnded', { STEP: 'mp4', RUN: 1 })), second);
  assert.equal(after(r, event('IsTranscode', { STEP: 'mp4', COMP: 50 })), r);
  assert.equal(after(r, event('SessionEnded')), r);
});

test('an event of the same millisecond counts, however Go wrote the zeros', () => {
  const r = { ...base(), updated_at: '2026-11-22T08:01:00.12Z' };
  assert.notEqual(after(r, event('TranscodeEnded', { STEP: 'mp4', TS: '2026-11-22T08:01:00.120Z' })), r);
});

test('a recording is not changed in place', () => {
  const r = base(), before = structuredClone(r);
  after(r, event('TranscodeError', { STEP: 'mp4', STATE: 'failed', MSG: 'x' }));
  assert.deepEqual(r, before);
});

test('a step that is unknown, a recording without steps and an unknown event do no harm', () => {
  assert.equal(states(after(base(), event('UpEnded', { STEP: 'elsewhere' }))), 'running pending pending');
  assert.deepEqual(after({ ...base(), steps: undefined }, event('FileClosed')).steps, []);
  assert.equal(after(base(), event('SomethingNew', { STATE: 'waiting' })).state, 'waiting');
});

test('live frames and events of other things are told apart', () => {
  assert.ok(isLive({ CMD: 'heartbeat' }) && isLive({ CMD: 'IsUp' }) && !isLive({ CMD: 'UpEnded' }));
  assert.ok(concerns(event('FileOpening')) && !concerns(event('SessionStarted')) && !concerns({ CMD: 'UpEnded' }));
  assert.deepEqual(progressOf({ STEP: 'up', COMP: 141, BPS: 5, ETA: 9 }), { step: 'up', percent: 100, bps: 5, eta: 9 });
  assert.equal(progressOf({ STEP: 'up' }).percent, undefined);
});

test('a person can retry, cancel or run what the server would accept', () => {
  const of = (state, ...steps) => can({ state, steps: steps.map((s) => ({ state: s })) });
  assert.ok(of('closed', 'queued').cancel && of('running').cancel && of('waiting').cancel);
  assert.ok(!of('opening').cancel && !of('finished', 'done').retry && of('finished', 'done', 'failed').retry);
  assert.ok(of('missing', 'failed').retry && of('cancelled', 'cancelled').retry && of('found').run && of('skipped').run);
});

test('the search looks for every word in what the row shows', () => {
  for (const hit of ['小满', 'RADIO 早安', '23058', 'a.flv attic', '0123456789abcdef']) assert.ok(matches(base(), hit), hit);
  assert.ok(!matches(base(), '小满 晚安'));
});

test('the newest comes first, and the id settles a tie', () => {
  const at = (id, created_at) => ({ id, created_at });
  const list = [at('a', '2026-11-22T08:00:00Z'), at('b', '2026-11-22T08:00:00Z'), at('c', '2026-11-22T09:00:00Z')];
  assert.deepEqual(list.sort(newer).map((r) => r.id), ['c', 'b', 'a']);
});

test('the places are those of uploads that are done', () => {
  const r = base();
  r.steps[1] = { id: 'up', type: 'upload', state: 'done', output: { location: '/mnt/a.mp4' } };
  r.steps[0] = { id: 'mp4', type: 'transcode', state: 'done', output: { path: 'a.mp4' } };
  assert.deepEqual(places(r), ['/mnt/a.mp4']);
});

test('the share links are those of uploads that are done, each part its own', () => {
  const r = base();
  r.steps[1] = { id: 'up', type: 'upload', state: 'done', output: {
    share: { link: 'https://a', password: 'ab12' }, parts: [{ path: 'x/a.p01.mp4', share: { link: 'https://b' } }, { path: 'x/a.p02.mp4' }, { path: 'x/a.p03.mp4', share: {} }],
  } };
  r.steps[2] = { id: 'again', type: 'upload', state: 'failed', output: { share: { link: 'https://c' } } };
  assert.deepEqual(shares(r), [{ link: 'https://a', password: 'ab12' }, { link: 'https://b', part: 'a.p01.mp4' }]);
  assert.deepEqual([shares(base()), shares({})], [[], []]);
});
