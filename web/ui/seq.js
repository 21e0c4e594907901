// Sequence numbers of events: "<milliseconds>-<count>". They have more digits together than a number holds, so parts are compared.

const parts = (seq) => {
  const [ms, count] = String(seq ?? '').split('-');
  return [Number(ms) || 0, Number(count) || 0];
};

/** seqLess reports whether a was numbered before b. */
export function seqLess(a, b) {
  const [am, ac] = parts(a);
  const [bm, bc] = parts(b);
  return am < bm || (am === bm && ac < bc);
}
