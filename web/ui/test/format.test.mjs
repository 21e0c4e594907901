import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, clock, fileName, moment, percent, size, speed, webLink } from '../format.js';
import { seqLess } from '../seq.js';

test('a size has three digits at most and the unit that fits', () => {
  for (const [bytes, want] of [
    [0, '0 B'], [812, '812 B'], [999, '999 B'], [1000, '0.98 KiB'], [1024, '1.00 KiB'], [10240, '10.0 KiB'], [1572864, '1.50 MiB'],
    [104857600, '100 MiB'], [1073741823, '1.00 GiB'], [1610612736, '1.50 GiB'], [2 ** 40 * 3, '3.00 TiB'], [2 ** 60, '1024 PiB'],
    [-1, ''], [NaN, ''], [undefined, ''],
  ]) assert.equal(size(bytes), want, `size(${bytes})`);
});

test('an unknown speed is nothing', () => {
  assert.equal(speed(12.5 * 1024 ** 2), '12.5 MiB/s');
  assert.equal(speed(0), '');
  assert.equal(speed(undefined), '');
});

test('a length of time reads like a clock', () => {
  for (const [seconds, want] of [[0, '0:00'], [9, '0:09'], [59.6, '1:00'], [249, '4:09'], [3599.7, '1:00:00'], [7985, '2:13:05'], [360000, '100:00:00'], [-1, ''], [undefined, '']]) {
    assert.equal(clock(seconds), want, `clock(${seconds})`);
  }
});

test('progress stays between 0 and 100 and may be unknown', () => {
  assert.deepEqual([percent(-3), percent(0), percent(41.6), percent(120), percent(undefined)], [0, 0, 42, 100, undefined]);
});

test('a moment is told from now, in the language of the page', () => {
  const now = Date.parse('2026-11-22T08:00:00.000Z');
  assert.equal(ago(now - 20_000, now, 'en', 'just now'), 'just now');
  assert.equal(ago(now + 900, now, 'en', 'just now'), 'just now');
  assert.equal(ago(now - 3 * 60_000, now, 'en', ''), '3 minutes ago');
  assert.equal(ago(now - 3 * 60_000, now, 'zh-CN', ''), '3分钟前');
  assert.equal(ago(now - 23 * 3600_000, now, 'en', ''), '23 hours ago');
  assert.equal(ago(now - 86400_000, now, 'en', ''), 'yesterday');
  assert.ok(Number.isNaN(moment(undefined)));
});

test('a file name is the last part, whichever slash the recorder wrote', () => {
  assert.equal(fileName('23058-a/b c.flv'), 'b c.flv');
  assert.equal(fileName('23058-a\\b.flv'), 'b.flv');
  assert.equal(fileName(undefined), '');
});

test('only an address of the web, whose host is plain to see, stands behind a link', () => {
  assert.equal(webLink('https://pan.baidu.com/s/1abc?pwd=ab12'), 'https://pan.baidu.com/s/1abc?pwd=ab12');
  for (const text of [
    'javascript:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'http://pan.baidu.com/s/1', '//pan.baidu.com/s/1', '/s/1',
    'https://pan.baidu.com@evil.example/', 'https://', '', undefined, null, 7,
  ]) assert.equal(webLink(text), undefined, String(text));
});

test('sequence numbers are compared part by part', () => {
  assert.ok(seqLess('1763798400000-9', '1763798400000-10'));
  assert.ok(seqLess('999-5', '1000-0'));
  assert.ok(!seqLess('1000-0', '1000-0'));
  assert.ok(seqLess('', '1-0'));
  assert.ok(!seqLess('1000-1', '1000'));
});
