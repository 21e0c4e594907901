// The live feed: one WebSocket that comes back by itself and goes on where it stopped. It knows frames and their numbers, and
// nothing of what they mean.
import { seqLess } from './seq.js';

const longestPause = 15_000;
const silence = 20_000; // heartbeats come every 5 s from every node

/** pause is how long to wait before the next try, in ms: doubling, with jitter so that many pages do not return at once. */
export function pause(attempt, random = Math.random) {
  const ceiling = Math.min(longestPause, 500 * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}

export class Feed {
  /**
   * @param open      (since) => WebSocket-like
   * @param onFrame   (event) => void, each lifecycle frame once
   * @param onState   ('live' | 'lost') => void
   * @param probe     async () => void; asks the server something small, rejects when it does not answer
   */
  constructor({ open, onFrame, onState, probe, timers = globalThis, random = Math.random }) {
    Object.assign(this, { open, onFrame, onState, probe, timers, random });
    this.since = '';
    this.attempt = 0;
  }

  start(since) {
    this.stop();
    this.since = since ?? '';
    this.connect();
  }

  stop() {
    this.timers.clearTimeout(this.timer);
    this.timers.clearTimeout(this.watch);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  /** wake tries at once, for when the network or the tab comes back. */
  wake() {
    if (this.socket || this.timer === undefined) return;
    this.timers.clearTimeout(this.timer);
    this.connect();
  }

  connect() {
    this.timer = undefined;
    const socket = this.open(this.since);
    this.socket = socket;
    const mine = (handle) => (x) => this.socket === socket && handle(x);
    socket.onopen = mine(() => this.opened());
    socket.onmessage = mine((message) => this.take(message.data));
    socket.onclose = mine(() => this.closed());
  }

  opened() {
    this.attempt = 0;
    this.onState('live');
    this.listen();
  }

  take(data) {
    this.listen();
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return; // not a frame of ours
    }
    if (event.SEQ) {
      if (this.since && !seqLess(this.since, event.SEQ)) return;
      this.since = event.SEQ;
    }
    this.onFrame(event);
  }

  closed() {
    this.socket = undefined;
    this.timers.clearTimeout(this.watch);
    this.onState('lost');
    this.timer = this.timers.setTimeout(() => this.connect(), pause(this.attempt++, this.random));
    this.probe().catch(() => {}); // tells a page that must log in again from a server that is away
  }

  // A connection can die without a word. Silence alone proves nothing (no node may be up), so the server is asked.
  listen() {
    this.timers.clearTimeout(this.watch);
    this.watch = this.timers.setTimeout(() => this.check(), silence);
  }

  async check() {
    const socket = this.socket;
    try {
      await this.probe();
      if (this.socket === socket) this.listen();
    } catch {
      if (this.socket !== socket) return;
      this.closed();
      socket.close();
    }
  }
}
