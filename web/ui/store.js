// What the page knows: one signal per recording and one for its progress, so that a moving bar draws nothing but itself.
import { batch, computed, signal } from '@preact/signals';
import { after, concerns, isLive, matches, newer, progressOf } from './recording.js';
import { moment } from './format.js';
import { seqLess } from './seq.js';

const eventsKept = 100;

const entries = new Map(); // id → {recording, progress}, both signals
const ids = signal([]); // all loaded, newest first

export const counts = signal({});
export const filter = signal('all');
export const search = signal('');
export const pages = signal({}); // filter → {cursor, floor}: how far back it is loaded
export const events = signal([]);
export const nodes = signal([]);
export const link = signal('loading'); // loading | live | lost
export const loaded = signal(false);
export const loginNeeded = signal(false);
export const notice = signal('');
export const now = signal(Date.now());

export const entry = (id) => entries.get(id);

/** put takes recordings as the server tells them. */
export function put(list) {
  batch(() => {
    let grown = false;
    for (const recording of list) {
      const known = entries.get(recording.id);
      if (known) {
        known.recording.value = recording;
        continue;
      }
      entries.set(recording.id, { recording: signal(recording), progress: signal(undefined) });
      grown = true;
    }
    if (grown) sort();
  });
}

function sort() {
  ids.value = [...entries.values()].map((e) => e.recording.peek()).sort(newer).map((r) => r.id);
}

/** replace forgets every recording and takes these. What stays keeps its signals, so that its row stays too. */
export function replace(list) {
  batch(() => {
    const staying = new Set(list.map((r) => r.id));
    for (const id of entries.keys()) if (!staying.has(id)) entries.delete(id);
    put(list);
    sort();
  });
}

let shownBefore = [];

/** shown are the ids of the rows: in the chosen state, matching the search, not beyond what that list has loaded. */
export const shown = computed(() => {
  const state = filter.value, words = search.value.trim(), floor = pages.value[state]?.floor;
  const rows = ids.value.filter((id) => {
    const r = entries.get(id).recording.value;
    if (state === 'all' ? floor && moment(r.created_at) < floor : r.state !== state) return false;
    return !words || matches(r, words);
  });
  const same = rows.length === shownBefore.length && rows.every((id, i) => id === shownBefore[i]);
  return same ? shownBefore : (shownBefore = rows);
});

/** take applies one frame of the feed and returns the id of a recording that should be read again, if any. */
export function take(event) {
  if (event.CMD === 'heartbeat') return void takeBeat(event);
  if (isLive(event)) return void takeProgress(event);
  takeEvent(event);
  if (!concerns(event)) return undefined;
  const known = entries.get(event.ID);
  if (known) {
    const before = known.recording.peek();
    known.recording.value = after(before, event);
    if (event.STEP !== known.progress.peek()?.step || /Ended|Error|Held|Retry/.test(event.CMD)) known.progress.value = undefined;
    recount(before.state, known.recording.peek().state);
  }
  return event.ID;
}

function recount(from, to) {
  if (from === to) return;
  const n = (state) => counts.peek()[state] ?? 0;
  counts.value = { ...counts.peek(), [from]: Math.max(0, n(from) - 1), [to]: n(to) + 1 };
}

function takeProgress(event) {
  const known = entries.get(event.ID);
  if (known) known.progress.value = progressOf(event);
}

function takeEvent(event) {
  const newest = events.peek()[0];
  if (newest && event.SEQ && !seqLess(newest.SEQ, event.SEQ)) return;
  if (event.CMD !== 'gap') events.value = [event, ...events.peek()].slice(0, eventsKept);
}

/** showEvents takes a list that is oldest first. */
export function showEvents(list) {
  events.value = list.slice(-eventsKept).reverse();
}

function takeBeat(beat) {
  const name = beat.NODE;
  const known = nodes.peek().find((n) => n.name === name);
  const next = { ...(known ?? { name }), alive: true, beat_at: beat.TS, heartbeat: beat };
  nodes.value = known ? nodes.peek().map((n) => (n === known ? next : n)) : [...nodes.peek(), next];
}
