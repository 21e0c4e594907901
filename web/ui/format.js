// Sizes, durations and moments as people read them. Pure: no page, no clock of its own.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** size writes bytes in binary units with three digits at most: 1.46 GiB, 23.4 MiB, 812 KiB. */
export function size(bytes) {
  if (!Number.isFinite(bytes) || bytes < 0) return '';
  let n = bytes, unit = 0;
  // From 1,000 on the next unit is shorter; 999.5 would be rounded up to a fourth digit.
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${digits(n, unit)} ${units[unit]}`;
}

function digits(n, unit) {
  if (unit === 0 || n >= 99.95) return String(Math.round(n));
  return n.toFixed(n >= 9.995 ? 1 : 2);
}

/** speed writes bytes per second; nothing for an unknown one. */
export const speed = (bps) => (bps > 0 ? `${size(bps)}/s` : '');

/** clock writes seconds as 2:13:05 or 4:09. */
export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return '';
  const s = Math.round(seconds);
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60) % 60;
  if (s < 3600) return `${minutes}:${two(s % 60)}`;
  return `${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`;
}

/** percent is a whole number from 0 to 100, or undefined for what is none. */
export function percent(value) {
  if (!Number.isFinite(value)) return undefined;
  return Math.max(0, Math.min(100, Math.round(value)));
}

const spans = [['day', 86400], ['hour', 3600], ['minute', 60]];

/** ago says how far a moment lies from now ("3 minutes ago"); `just` is said for what is under a minute away. */
export function ago(moment, now, language, just) {
  const seconds = (moment - now) / 1000;
  const [unit, length] = spans.find(([, each]) => Math.abs(seconds) >= each) ?? [];
  if (!unit) return just;
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / length), unit);
}

/** moment reads an RFC 3339 time as milliseconds; NaN for none. */
export const moment = (text) => (text ? Date.parse(text) : NaN);

/** webLink is an address as it may stand behind a link: https, and of nobody who hides the host behind a user's name; else undefined. */
export function webLink(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' && !url.username && !url.password ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** fileName is the last part of a path with either kind of slash. */
export const fileName = (path) => (path ?? '').split(/[\\/]/).pop();
