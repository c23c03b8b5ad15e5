// The page a newcomer sees first: names, rooms, typing, transports, round trips, frames; it comes back when it is cut off.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from '../lib/test.mjs';
import { withStack } from '../lib/stack.mjs';
import { cutIdle, withProxy } from '../lib/proxies.mjs';
import { shotsDir, withPages } from './browser.mjs';
import { DEMO, box, connected, enter, line, say, texts } from './demo.mjs';

const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const shot = (page, name) => page.screenshot({ path: path.join(shotsDir(), `${name}.png`) });
const withDemo = (body) => withStack(DEMO, (stack) => withPages((openPage) => body(openPage, stack)));

async function assertNoDuplicates(...pages) {
  for (const page of pages) {
    assert.equal(await page.evaluate(() => window.chat.duplicates), 0, 'no message came twice');
  }
}

for (const transport of ['websocket', 'xhr-streaming', 'xhr-polling']) {
  test(`two windows talk in two rooms over ${transport}`, () => withDemo(async (openPage, { url }) => {
    const [ann, bo] = await Promise.all([
      enter(openPage, url, { name: 'Ann', transport }),
      enter(openPage, url, { name: '보경', transport }),
    ]);
    for (const page of [ann, bo]) {
      assert.equal(await page.evaluate(() => window.chat.transport), transport);
      assert.match(await page.locator('#chip').textContent(), /Connected.*ms/s);
    }
    await say(ann, [bo], 'Hello 🙂');
    await say(bo, [ann], '안녕하세요 👩‍👩‍👧‍👦');
    await ann.getByRole('link', { name: 'coffee' }).click();
    await say(ann, [], 'Who takes sugar?');
    await bo.getByLabel('1 new').waitFor();
    assert.deepEqual(await texts(bo), ['Ann: Hello 🙂', '보경: 안녕하세요 👩‍👩‍👧‍👦'], 'another room is another room');
    await bo.getByRole('link', { name: 'coffee' }).click();
    await line(bo, 'Who takes sugar?').waitFor();
    await say(bo, [ann], '저요!');
    assert.deepEqual(await texts(ann), await texts(bo), 'both see one order');
    await assertNoDuplicates(ann, bo);
  }));
}

test('a visitor gives a name at the door, and the room is in the address', () => withDemo(async (openPage, { url }) => {
  const page = await enter(openPage, url, { room: '차-한-잔' });
  await page.getByRole('textbox', { name: 'Your name' }).fill('  Zoë  ');
  await page.getByRole('button', { name: 'Join #차-한-잔' }).click();
  await page.getByRole('button', { name: 'Zoë' }).waitFor();
  await page.getByRole('textbox', { name: 'New room' }).fill('Low Tide?');
  await page.getByRole('button', { name: 'Open the room' }).click();
  await page.getByRole('heading', { name: 'low-tide' }).waitFor();
  assert.equal(new URL(page.url()).hash, '#low-tide');
  await page.goBack();
  await page.getByRole('heading', { name: '차-한-잔' }).waitFor();
  await page.reload();
  await connected(page);
  assert.equal(await page.evaluate(() => `${window.chat.name} ${window.chat.room}`), 'Zoë 차-한-잔', 'a reload keeps both');
  await page.getByRole('link', { name: 'low-tide' }).waitFor();
}));

test('one sees who is typing until the message comes', () => withDemo(async (openPage, { url }) => {
  const [ann, bo] = await Promise.all([
    enter(openPage, url, { name: 'Ann', transport: 'websocket' }),
    enter(openPage, url, { name: 'Bo', transport: 'xhr-polling' }),
  ]);
  await box(bo).pressSequentially('Hm');
  await ann.getByText('Bo is typing…').waitFor();
  assert.equal(await bo.locator('#typing').textContent(), '', 'not one’s own');
  await box(bo).press('Enter');
  await line(ann, 'Hm').waitFor();
  await ann.waitForFunction(() => document.getElementById('typing').textContent === '');
}));

test('what others write is text, not markup', () => withDemo(async (openPage, { url }) => {
  const [ann, bo] = await Promise.all([enter(openPage, url, { name: 'Ann' }), enter(openPage, url, { name: '<i>Bo</i>' })]);
  const nasty = '<img src=x onerror="document.title=1"> </script><b>bold</b> \u2028 & {{x}}';
  await say(bo, [], nasty);
  await ann.waitForFunction((text) => document.querySelector('.message .text')?.textContent === text, nasty);
  assert.equal(await ann.locator('.message img, .message b, .message i').count(), 0);
  assert.equal(await ann.locator('.message .name').textContent(), '<i>Bo</i>');
}));

test('the log of frames opens, shows a SEND and its RECEIPT, and keeps the last 200', () => withDemo(async (openPage, { url }) => {
  const page = await enter(openPage, url, { name: 'Ann' });
  await say(page, [], 'What does this look like?');
  await page.getByRole('button', { name: 'Frames' }).click();
  const log = page.getByRole('complementary', { name: 'STOMP frames' });
  await log.getByText('CONNECTED', { exact: true }).waitFor();
  await log.getByText('/topic/chat/lobby', { exact: true }).last().click();
  await log.getByText('What does this look like?').waitFor();
  assert.match(await log.locator('pre').textContent(), /^MESSAGE\n(.+\n)+\n\{.*\}\^@$/);
  const order = await page.evaluate(() => window.chat.frames.map(({ direction, command }) => `${direction} ${command}`));
  assert.deepEqual(order.slice(0, 2), ['out CONNECT', 'in CONNECTED']);
  assert.ok(order.includes('out SEND') && order.includes('in RECEIPT') && order.includes('in MESSAGE'));
  for (let i = 0; i < 100; i++) {
    await page.evaluate((n) => window.chat.send(`number ${n}`), i);
  }
  await line(page, 'number 99').waitFor();
  await page.waitForFunction(() => window.chat.messages.every(({ state }) => state === 'sent'));
  assert.equal(await page.evaluate(() => window.chat.frames.length), 200);
  assert.ok((await log.locator('.frame').count()) <= 200);
}));

test('another transport can be chosen while one talks', () => withDemo(async (openPage, { url }) => {
  const [ann, bo] = await Promise.all([
    enter(openPage, url, { name: 'Ann', transport: 'websocket' }),
    enter(openPage, url, { name: 'Bo', transport: 'websocket' }),
  ]);
  await say(ann, [bo], 'before');
  for (const transport of ['eventsource', 'jsonp-polling', 'iframe-htmlfile', 'websocket']) {
    await bo.getByRole('combobox', { name: 'Transport' }).selectOption(transport);
    await bo.waitForFunction((wanted) => window.chat.transport === wanted && window.chat.roundTrip !== null, transport);
    assert.equal(await bo.locator('#fact-transport').textContent(), transport);
    await say(ann, [bo], `to ${transport}`);
    await say(bo, [ann], `from ${transport}`);
  }
  assert.match(bo.url(), /transport=websocket/, 'the address can be shared');
  assert.deepEqual(await texts(ann), await texts(bo));
  await assertNoDuplicates(ann, bo);
}));

test('a cut connection comes back by itself, and what was not confirmed can be sent again', () => withStack(DEMO, async (stack) => {
  await withProxy(await cutIdle(stack.port, 0), (proxy) => withPages(async (openPage) => {
    openPage.expectErrors('ERR_', 'WebSocket connection to');
    const ann = await enter(openPage, proxy.url, { name: 'Ann', transport: 'websocket' });
    const bo = await enter(openPage, stack.url, { name: 'Bo', transport: 'websocket' });
    await say(ann, [bo], 'one');
    proxy.swallow();
    await box(ann).fill('two');
    await box(ann).press('Enter');
    proxy.cut();
    await ann.getByText('The connection is lost').waitFor();
    assert.equal(await ann.evaluate(() => window.chat.send('into the void')), false, 'nothing is taken while it is away');
    await connected(ann);
    await say(bo, [ann], 'three');
    await ann.getByText('Not confirmed.').waitFor();
    await ann.getByRole('button', { name: 'Send again' }).click();
    await line(bo, 'two').waitFor();
    await say(ann, [bo], 'four');
    const all = ['Ann: one', 'Bo: three', 'Ann: two', 'Ann: four'];
    assert.deepEqual([await texts(ann), await texts(bo)], [all, all], 'in the order of the broker');
    await ann.getByRole('button', { name: 'Disconnect' }).click();
    await ann.getByText('You are offline').waitFor();
    await ann.getByRole('button', { name: 'Connect', exact: true }).click();
    await connected(ann);
    await say(ann, [bo], 'five');
  }));
}));

test('it fits a phone, by day and by night', () => withDemo(async (openPage, { url }) => {
  for (const colorScheme of ['light', 'dark']) {
    const desktop = await enter(openPage, url, { name: 'Ann Bergström', room: 'tide', transport: 'xhr-streaming', options: { ...DESKTOP, colorScheme } });
    const phone = await enter(openPage, url, { name: 'Bo', room: 'tide', options: { ...PHONE, colorScheme } });
    await shot(desktop, `desktop-empty-${colorScheme}`);
    await say(desktop, [phone], 'Is anybody on a fallback today?');
    await say(phone, [desktop], 'Not me: a WebSocket, on the train.');
    await say(desktop, [phone], 'I am on xhr-streaming, behind the proxy at work. It answers faster than I thought it would.');
    await box(phone).pressSequentially('And');
    await desktop.getByText('Bo is typing…').waitFor();
    await desktop.getByRole('button', { name: 'Frames' }).click();
    await shot(desktop, `desktop-frames-${colorScheme}`);
    await shot(phone, `phone-${colorScheme}`);
    const { wide, width } = await phone.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
    assert.ok(wide <= width, `the page is ${wide} wide on a screen of ${width}`);
    await phone.getByRole('button', { name: 'Connected' }).click();
    await phone.getByRole('combobox', { name: 'Transport' }).waitFor();
    await shot(phone, `phone-connection-${colorScheme}`);
    await phone.keyboard.press('Escape');
    await phone.getByRole('combobox', { name: 'Transport' }).waitFor({ state: 'hidden' });
    const door = await enter(openPage, url, { options: { ...DESKTOP, colorScheme } });
    await shot(door, `door-${colorScheme}`);
  }
}));
