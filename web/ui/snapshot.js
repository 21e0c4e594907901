// Reads what is, by REST: everything when the page opens or has missed too much, and single recordings after events.
import { batch } from '@preact/signals';
import { listEvents, listNodes, listRecordings, readRecording } from './api.js';
import { moment } from './format.js';
import * as store from './store.js';

const rows = 50;
const newestEvents = 100;

/** load reads the whole picture and returns the number of the newest event that it holds. */
export async function load() {
  const { at } = await listRecordings({ limit: 1 }); // the server's clock: event numbers begin with it
  // Events first: what happens while the rest is read comes again over the feed, and changes nothing twice.
  const { events, next } = await newest(at);
  const state = store.filter.peek();
  const [list, filtered, nodes] = await Promise.all([
    listRecordings({ limit: rows }),
    state === 'all' ? undefined : listRecordings({ limit: rows, state }),
    listNodes().catch(() => []),
  ]);
  batch(() => {
    store.replace([...(list.recordings ?? []), ...(filtered?.recordings ?? [])]);
    store.counts.value = list.counts ?? {};
    store.pages.value = { all: page(list), ...(filtered && { [state]: page(filtered) }) };
    store.showEvents(events);
    store.nodes.value = nodes;
    store.loaded.value = true;
  });
  return next;
}

function page({ next_cursor: cursor, recordings = [] }) {
  return { cursor, floor: cursor ? moment(recordings.at(-1)?.created_at) : undefined };
}

// The API lists events forwards from a number, and a number begins with milliseconds: look back in growing windows until there
// are enough of them, so that a busy server is not asked for a week.
async function newest(at) {
  const week = 7 * 86_400_000;
  let best = { events: [], next: '' };
  for (let window = 15 * 60_000; ; window = Math.min(week, window * 6)) {
    const found = await forwards(`${Math.max(0, at - window)}-0`).catch((err) => {
      if (err.status === 401) throw err;
      return undefined; // the page is useful without old events
    });
    if (!found) return best;
    best = found;
    if (window === week || best.events.length >= newestEvents / 2) return best;
  }
}

// Reads to the end; only the newest are kept.
async function forwards(since) {
  let events = [];
  for (;;) {
    const answer = await listEvents({ since, limit: newestEvents });
    const got = answer.events ?? [];
    events = [...events, ...got].slice(-newestEvents);
    const next = answer.next || events.at(-1)?.SEQ || since;
    if (got.length < newestEvents || next === since) return { events, next };
    since = next;
  }
}

/** more reads the next page of the chosen filter, or its first. */
export async function more(state) {
  const known = store.pages.peek()[state];
  const list = await listRecordings({ limit: rows, state: state === 'all' ? '' : state, cursor: known?.cursor });
  batch(() => {
    store.put(list.recordings ?? []);
    store.pages.value = { ...store.pages.peek(), [state]: page(list) };
    store.counts.value = list.counts ?? store.counts.peek();
  });
}

/** Refresher reads recordings again after events told of a change: soon, together, and never two rounds at once. */
export class Refresher {
  constructor({ delay = 400, few = 8 } = {}) {
    Object.assign(this, { delay, few, due: new Set() });
  }

  want(id) {
    this.due.add(id);
    this.timer ??= setTimeout(() => this.round(), this.delay);
  }

  async round() {
    const ids = [...this.due];
    this.due.clear();
    try {
      await (ids.length > this.few ? this.readList() : this.readEach(ids));
    } catch {
      // The events themselves were shown; the next one, or the next snapshot, reads again.
    }
    this.timer = this.due.size > 0 ? setTimeout(() => this.round(), this.delay) : undefined;
  }

  async readEach(ids) {
    const [list, ...recordings] = await Promise.all([
      listRecordings({ limit: 1 }), ...ids.map((id) => readRecording(id).catch(() => undefined)),
    ]);
    this.show(recordings.filter(Boolean), list.counts);
  }

  async readList() {
    const list = await listRecordings({ limit: rows });
    this.show(list.recordings ?? [], list.counts);
  }

  // What changed again meanwhile is due again: its answer is old already.
  show(recordings, counts) {
    batch(() => {
      store.put(recordings.filter((r) => !this.due.has(r.id)));
      if (counts && this.due.size === 0) store.counts.value = counts;
    });
  }
}
