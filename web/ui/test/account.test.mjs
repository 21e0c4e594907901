import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isName, isOver, listed, offers, picture, standing, waysIn } from '../account.js';

test('the panel shows where a node has the target, and a login where one that is up has an application', () => {
  const of = (...nodes) => waysIn(nodes);
  assert.deepEqual(of(), { shown: false, login: false });
  assert.deepEqual(of({ targets: ['archive'] }, { targets: undefined }), { shown: false, login: false });
  assert.deepEqual(of({ targets: ['archive', 'baidu:second'], alive: true }), { shown: true, login: false });
  assert.deepEqual(of({ baidu_app: true, alive: false }), { shown: true, login: false });
  assert.deepEqual(of({}, { baidu_app: true, alive: true }), { shown: true, login: true });
});

test('the default account is there before anybody told of it, where it can log in', () => {
  const bob = { name: 'bob' }, first = { name: 'default', state: 'ready' };
  assert.deepEqual(listed([bob], false), [bob]);
  assert.deepEqual(listed([bob], true).map((a) => a.name), ['default', 'bob']);
  assert.deepEqual(listed([first], true), [first]);
});

test('who is logged in can log out, who is not can log in', () => {
  assert.deepEqual(offers({ name: 'default', state: 'no-login' }, true), { login: true, logout: false });
  assert.deepEqual(offers({ name: 'bob', state: 'no-login' }, true), { login: true, logout: true });
  assert.deepEqual(offers({ name: 'bob', state: 'no-login' }, false), { login: false, logout: true });
  assert.deepEqual(offers({ name: 'default', state: 'ready', mode: 'oauth' }, true), { login: false, logout: true });
  assert.deepEqual(offers({ name: 'default', state: 'stopped', mode: 'oauth' }, true), { login: true, logout: true });
  assert.deepEqual(offers({ name: 'bob', state: 'stopped', mode: 'cookie' }, true), { login: false, logout: true });
});

test('a login that nobody works on any more has ended', () => {
  const at = (time) => Date.parse(`2026-11-22T${time}Z`);
  const waiting = { state: 'waiting', expires_at: '2026-11-22T08:05:00Z' }, asked = { state: 'asked', asked_at: '2026-11-22T08:00:00Z' };
  assert.equal(standing(waiting, at('08:05:30')), waiting);
  assert.equal(standing(waiting, at('08:06:30')).state, 'expired');
  assert.equal(standing(asked, at('08:00:30')), asked);
  assert.equal(standing(asked, at('08:01:30')).state, 'silent');
  assert.equal(standing({ state: 'waiting' }, at('08:06:30')).state, 'waiting');
  assert.deepEqual(['asked', 'waiting', 'done', 'declined', 'expired', 'failed', 'silent'].map((state) => isOver({ state })), [false, false, true, true, true, true, true]);
});

test('a name has letters, digits, - and _, and a picture is a PNG', () => {
  assert.ok(isName('second_1-A') && !isName('') && !isName('a/b') && !isName('名') && !isName('a'.repeat(41)));
  assert.equal(picture('data:image/png;base64,iVBORw0KGgo='), 'data:image/png;base64,iVBORw0KGgo=');
  for (const qr of [undefined, '', 'https://evil.example/x.png', 'data:image/svg+xml,<svg/>', 'data:image/png;base64,x" onerror="y']) assert.equal(picture(qr), undefined);
});
