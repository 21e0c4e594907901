import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { en, phrase, preferred, zh } from '../words.js';

const here = new URL('..', import.meta.url);
const modules = readdirSync(here).filter((f) => f.endsWith('.js') && f !== 'words.js');
const sources = modules.map((f) => readFileSync(new URL(f, here), 'utf8')).join('\n');

test('both languages have every key, with the same places to fill', () => {
  assert.deepEqual(Object.keys(en), Object.keys(zh));
  const places = (s) => (s.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(zh)) {
    assert.ok(zh[key].trim() && en[key].trim(), `${key} is empty`);
    assert.deepEqual(places(en[key]), places(zh[key]), key);
  }
});

test('Chinese is Chinese and English is English', () => {
  const han = /\p{Script=Han}/u;
  for (const [key, text] of Object.entries(en)) if (!key.startsWith('page.language')) assert.doesNotMatch(text, han, key);
  const latin = new Set(['page.language', 'page.languageHint', 'event.other', 'event.FlowFinished', 'action.of']);
  for (const [key, text] of Object.entries(zh)) if (!latin.has(key)) assert.match(text, han, key);
});

test('every key that a module names exists, and every key is named somewhere', () => {
  const asked = [...sources.matchAll(/\bt\('([\w.]+)'/g)].map((m) => m[1]);
  const quoted = [...sources.matchAll(/'([a-z]\w*\.\w+)'/gi)].map((m) => m[1]);
  const built = [...sources.matchAll(/`([a-z]\w*(?:\.\w+)?\.)\$\{/gi)].map((m) => m[1]);
  assert.ok(asked.length > 30 && built.length > 3);
  for (const key of asked) assert.ok(key in zh, `t('${key}') has no words`);
  for (const key of Object.keys(zh)) {
    assert.ok(quoted.includes(key) || built.some((start) => key.startsWith(start)), `nothing says ${key}`);
  }
});

test('a sentence is filled, and an unknown key is seen', () => {
  assert.equal(phrase(en, 'row.room', { room: 23058 }), 'Room 23058');
  assert.equal(phrase(en, 'row.room'), 'Room {room}');
  assert.equal(phrase(en, 'no.such'), 'no.such');
  assert.equal(phrase({ k: '{who}' }, 'k', { who: '$& {cmd}' }), '$& {cmd}');
});

test('the language is the chosen one, else the browser’s first that we have, else Chinese', () => {
  assert.equal(preferred('en', ['zh-CN']), 'en');
  assert.equal(preferred(null, ['zh-TW', 'en']), 'zh-CN');
  assert.equal(preferred(null, ['de-DE', 'en-GB', 'zh']), 'en');
  assert.equal(preferred(null, ['ja']), 'zh-CN');
  assert.equal(preferred('klingon', undefined), 'zh-CN');
  assert.equal(preferred('toString', []), 'zh-CN');
});
