// The chat: rooms, who says what in them, and the connection that carries it.
//
// A room is the destination /topic/chat/<room>; its messages are JSON {id, name, text, at}. Who is writing is said in
// /topic/chat/<room>/typing as {from, name, isTyping}. All listed rooms are subscribed, so that they can show what is new.
//
// The address may say: ?endpoint=/ws ?server=http://127.0.0.1:8080 ?transport=xhr-polling ?name=Ann #room

import { Connection } from './connection.js';
import { ConnectionPanel } from './connection_panel.js';
import { Conversation, paintAvatar } from './conversation.js';
import { FrameLog } from './frame_log.js';
import { personName, randomId, randomName, roomName } from './names.js';
import { Typing } from './typing.js';

const FIRST_ROOMS = ['lobby', 'coffee', 'help'];
const ROOMS_KEY = 'sluice-chat-rooms';
const NAME_KEY = 'sluice-chat-name';
const KEPT_MESSAGES = 500;

const query = new URLSearchParams(location.search);
const element = (id) => document.getElementById(id);
const me = { from: randomId(), name: '' };
const rooms = new Map(); // name -> {name, messages, ids: id -> message, unread}
let room = null;
let duplicates = 0;

// ---- storage: a page without it works, and forgets

function load(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function save(storage, key, value) {
  try {
    storage().setItem(key, value);
  } catch {
    /* private window */
  }
}

const local = () => localStorage;
const perTab = () => sessionStorage; // two windows are two people

// ---- the parts

const connection = new Connection({
  endpoint: (query.get('server') ?? '') + (query.get('endpoint') ?? '/ws'),
});
const frames = new FrameLog({
  panel: element('frames'),
  list: element('frames-list'),
  empty: element('frames-empty'),
  count: element('frames-count'),
  beats: element('frames-beats'),
  clear: element('frames-clear'),
});
const conversation = new Conversation({
  list: element('messages'),
  scroll: element('scroll'),
  empty: element('empty'),
  newer: element('newer'),
  onRetry: (message) => {
    message.state = 'sending';
    conversation.touch(message);
    transmit(rooms.get(message.room), message);
  },
});

const panel = new ConnectionPanel(connection, query.get('transport'), (transport) => use(transport));
const typing = new Typing(me, element('typing'), (value) => connection.publish(`/topic/chat/${room.name}/typing`, value));

// ---- messages

function receive(target, { id, name, text, at }) {
  if (typeof id !== 'string' || typeof name !== 'string' || typeof text !== 'string') {
    return;
  }
  const known = target.ids.get(id);
  if (known && known.state === 'sent') {
    duplicates++;
    return;
  }
  if (known) {
    settle(target, known);
    return;
  }
  const when = Number.isNaN(Date.parse(at)) ? new Date().toISOString() : at;
  const message = { id, name: personName(name) || '?', text, at: when, room: target.name, isMine: false, state: 'sent' };
  keep(target, message, target.messages.find(({ state }) => state !== 'sent') ?? null);
  typing.over(message.name);
  if (target !== room || document.hidden) {
    target.unread++;
    showRooms();
  }
}

/** Ours has come back: its place is after all that came before it. */
function settle(target, message) {
  message.state = 'sent';
  const index = target.messages.indexOf(message);
  const firstPending = target.messages.findIndex(({ state }) => state !== 'sent');
  if (firstPending >= 0 && firstPending < index) {
    target.messages.splice(index, 1);
    target.messages.splice(firstPending, 0, message);
    if (target === room) {
      conversation.remove(message);
      conversation.add(message, target.messages[firstPending + 1]);
    }
  } else if (target === room) {
    conversation.touch(message);
  }
}

function keep(target, message, before) {
  const index = before ? target.messages.indexOf(before) : target.messages.length;
  target.messages.splice(index, 0, message);
  target.ids.set(message.id, message);
  if (target === room) {
    conversation.add(message, before);
  }
  while (target.messages.length > KEPT_MESSAGES) {
    const oldest = target.messages.shift();
    target.ids.delete(oldest.id);
    conversation.remove(oldest);
  }
}

function transmit(target, message) {
  const { id, name, text, at } = message;
  const fail = () => {
    if (message.state === 'sending') {
      message.state = 'failed';
      conversation.touch(message);
    }
  };
  const isUnderWay = connection.publish(`/topic/chat/${target.name}`, { id, name, text, at }, { onReceipt: () => {}, onLost: fail });
  if (!isUnderWay) {
    fail();
  }
}

function send(text) {
  const body = text.trim();
  if (body === '' || connection.state !== 'open') {
    return false;
  }
  const message = {
    id: randomId(), name: me.name, text: body, at: new Date().toISOString(), room: room.name, isMine: true, state: 'sending',
  };
  keep(room, message, null);
  transmit(room, message);
  return true;
}

// ---- rooms

/** The room that the address names. */
function addressed() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

function addRoom(name) {
  if (!rooms.has(name)) {
    const added = { name, messages: [], ids: new Map(), unread: 0 };
    rooms.set(name, added);
    connection.subscribe(`/topic/chat/${name}`, (value) => receive(added, value ?? {}));
    save(local, ROOMS_KEY, JSON.stringify([...rooms.keys()]));
  }
  return rooms.get(name);
}

function leaveRoom(name) {
  connection.unsubscribe(`/topic/chat/${name}`);
  rooms.delete(name);
  save(local, ROOMS_KEY, JSON.stringify([...rooms.keys()]));
  if (room.name === name) {
    location.hash = '#lobby';
  }
  showRooms();
}

function join(name) {
  const wanted = roomName(name) || 'lobby';
  if (addressed() !== wanted) {
    history.pushState(null, '', `#${encodeURIComponent(wanted)}`);
  }
  if (room?.name !== wanted) {
    if (room) {
      typing.say(false);
      connection.unsubscribe(`/topic/chat/${room.name}/typing`);
    }
    typing.forget();
    room = addRoom(wanted);
    room.unread = 0;
    connection.subscribe(`/topic/chat/${wanted}/typing`, (value) => typing.hear(value ?? {}));
    conversation.show(room.messages);
    element('room-title').textContent = wanted;
    element('empty-room').textContent = `#${wanted}`;
    element('composer-text').placeholder = `Message #${wanted}`;
  }
  element('second').href = `${location.pathname}${otherWindow()}#${encodeURIComponent(wanted)}`;
  showRooms();
  return wanted;
}

/** The query of this page without the name: a second window is somebody else. */
function otherWindow() {
  const others = new URLSearchParams(location.search);
  others.delete('name');
  const text = others.toString();
  return text && `?${text}`;
}

function roomRow(one) {
  const row = document.createElement('li');
  const link = document.createElement('a');
  const label = document.createElement('span');
  link.href = `#${encodeURIComponent(one.name)}`;
  label.className = 'room-label';
  label.textContent = one.name;
  link.append(label);
  if (one === room) {
    link.setAttribute('aria-current', 'page');
  }
  if (one.unread > 0 && one !== room) {
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.textContent = one.unread > 99 ? '99+' : one.unread;
    badge.setAttribute('aria-label', `${one.unread} new`);
    link.append(badge);
  }
  row.append(link);
  if (!FIRST_ROOMS.includes(one.name)) {
    const leave = document.createElement('button');
    leave.type = 'button';
    leave.className = 'leave';
    leave.setAttribute('aria-label', `Leave ${one.name}`);
    leave.textContent = '×';
    leave.addEventListener('click', () => leaveRoom(one.name));
    row.append(leave);
  }
  return row;
}

function showRooms() {
  const list = element('room-list');
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...[...rooms.values()].map(roomRow));
  const current = list.querySelector('[aria-current]');
  if (hadFocus) {
    current?.focus();
  }
  current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  const unread = [...rooms.values()].reduce((sum, { unread: count }) => sum + count, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ''}#${room.name} · Sluice chat`;
}

// ---- the connection

async function use(transport) {
  panel.choose(transport);
  const address = new URL(location.href);
  address.searchParams.set('transport', transport);
  history.replaceState(null, '', address);
  await connection.restart(transport);
}

function wireConnection() {
  connection.addEventListener('state', () => typing.forget());
  connection.addEventListener('wire', ({ detail }) => frames.add(detail.direction, detail.text));
  addEventListener('pagehide', () => connection.stop());
  addEventListener('pageshow', ({ persisted }) => persisted && connection.restart(panel.choice));
}

// ---- everything one can press

function wirePanels() {
  const sheet = (button, open) => {
    button.setAttribute('aria-expanded', open);
    document.body.classList.toggle('connection-open', open);
  };
  const chip = element('chip');
  const toggle = element('frames-toggle');
  const setFrames = (open) => {
    toggle.setAttribute('aria-expanded', open);
    document.body.classList.toggle('frames-open', open);
    frames.setOpen(open);
  };
  chip.addEventListener('click', () => {
    const open = chip.getAttribute('aria-expanded') !== 'true';
    sheet(chip, open);
    if (open) {
      element('transport-choice').focus();
    }
  });
  toggle.addEventListener('click', () => setFrames(toggle.getAttribute('aria-expanded') !== 'true'));
  element('frames-close').addEventListener('click', () => {
    setFrames(false);
    toggle.focus();
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && chip.getAttribute('aria-expanded') === 'true') {
      sheet(chip, false);
      chip.focus();
    } else if (key === 'Escape' && !element('frames').hidden) {
      setFrames(false);
      toggle.focus();
    }
  });
  document.querySelector('.talk').addEventListener('pointerdown', () => sheet(chip, false));
}

function wireComposer() {
  const text = element('composer-text');
  const fit = () => {
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight}px`;
  };
  element('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    if (send(text.value)) {
      text.value = '';
      typing.sent();
      fit();
    }
    text.focus();
  });
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { // isComposing: Enter ends a Korean syllable
      event.preventDefault();
      element('composer').requestSubmit();
    }
  });
  text.addEventListener('input', () => {
    fit();
    typing.say(text.value.trim() !== '');
  });
  document.querySelector('[data-skip]').addEventListener('click', (event) => {
    event.preventDefault();
    text.focus();
  });
}

function wireRooms() {
  element('room-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const name = roomName(element('room-name').value);
    if (name !== '') {
      element('room-name').value = '';
      join(name);
      element('composer-text').focus();
    }
  });
  addEventListener('hashchange', () => join(addressed()));
  addEventListener('popstate', () => join(addressed()));
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      room.unread = 0;
      showRooms();
    }
  });
  element('share').addEventListener('click', async () => {
    const label = element('share').querySelector('span');
    const address = new URL(location.href);
    address.searchParams.delete('name');
    try {
      await navigator.clipboard.writeText(address.href);
      label.textContent = 'Copied';
    } catch {
      label.textContent = 'The address bar has it';
    }
    setTimeout(() => {
      label.textContent = 'Copy link';
    }, 2_000);
  });
}

// ---- the name

function setName(name) {
  me.name = personName(name) || randomName();
  save(perTab, NAME_KEY, me.name);
  element('me-name').textContent = me.name;
  paintAvatar(element('me-avatar'), me.name);
}

function askName() {
  const dialog = element('welcome');
  const input = element('welcome-name');
  const isFirst = me.name === '';
  element('welcome-title').textContent = isFirst ? 'Come in' : 'Another name?';
  element('welcome-text').hidden = !isFirst;
  element('welcome-join').textContent = isFirst ? `Join #${room.name}` : 'Take it';
  input.value = me.name || randomName();
  dialog.returnValue = '';
  dialog.showModal();
  input.select();
}

function wireName() {
  const dialog = element('welcome');
  dialog.addEventListener('close', () => {
    if (me.name === '' || dialog.returnValue !== '' || element('welcome-form').dataset.sent) {
      setName(element('welcome-name').value);
      element('composer-text').focus();
    }
    delete element('welcome-form').dataset.sent;
  });
  element('welcome-form').addEventListener('submit', () => {
    element('welcome-form').dataset.sent = 'yes';
  });
  element('me').addEventListener('click', askName);
}

// ---- start

function storedRooms() {
  try {
    return JSON.parse(load(local, ROOMS_KEY)).map(roomName).filter(Boolean).slice(0, 30);
  } catch {
    return [];
  }
}

function start() {
  if (!window.SockJS || !window.StompJs) {
    const notice = element('notice');
    notice.hidden = false;
    notice.textContent = 'sockjs-client and @stomp/stompjs are not here yet: run examples/chat/install.sh, then reload.';
    return;
  }
  wireConnection();
  wirePanels();
  wireComposer();
  wireRooms();
  wireName();
  [...FIRST_ROOMS, ...storedRooms()].forEach(addRoom);
  join(addressed());
  connection.start(panel.choice);
  const name = personName(query.get('name') ?? load(perTab, NAME_KEY) ?? '');
  if (name) {
    setName(name);
    element('composer-text').focus();
  } else {
    askName();
  }
}

start();

/** For tests and for the curious. */
window.chat = {
  get connected() { return connection.state === 'open'; },
  get transport() { return connection.transport; },
  get roundTrip() { return connection.roundTrips.at(-1) ?? null; },
  get server() { return connection.headers.server ?? ''; },
  get room() { return room.name; },
  get name() { return me.name; },
  get messages() { return room.messages.map(({ id, name, text, at, isMine, state }) => ({ id, name, text, at, isMine, state })); },
  get duplicates() { return duplicates; },
  get frames() { return frames.frames; },
  send,
  join,
  use,
};
