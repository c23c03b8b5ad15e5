// The messages of the room on screen, as a list that follows its end unless the reader has scrolled up.
//
// A message of ours is shown at once as `sending`; its echo from the broker moves it to its place in the order that
// everybody sees. Peers' text only ever becomes textContent.

import { hueOf, initialOf } from './names.js';

const TOGETHER_MS = 4 * 60_000;
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\p{Regional_Indicator}|\s){1,24}$/u;
const HAS_PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

const make = (tag, className, text = '') => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

export function paintAvatar(element, name) {
  element.textContent = initialOf(name);
  element.style.setProperty('--hue', hueOf(name));
}

export class Conversation {
  #rows = new Map(); // message -> li
  #follows = true;

  constructor({ list, scroll, empty, newer, onRetry }) {
    this.list = list;
    this.scroll = scroll;
    this.empty = empty;
    this.newer = newer;
    this.onRetry = onRetry;
    scroll.addEventListener('scroll', () => {
      this.#follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
      if (this.#follows) {
        newer.hidden = true;
      }
    }, { passive: true });
    newer.addEventListener('click', () => this.toEnd());
    new ResizeObserver(() => this.#follows && this.toEnd()).observe(scroll);
  }

  /** Shows another room's messages. */
  show(messages) {
    this.#rows.clear();
    this.list.replaceChildren();
    this.list.setAttribute('aria-live', 'off'); // a room's past is not news
    for (const message of messages) {
      this.#insert(message, null);
    }
    this.#tellEmpty();
    this.toEnd();
    requestAnimationFrame(() => this.list.setAttribute('aria-live', 'polite'));
  }

  /** `before`: the message that now follows it, if any. */
  add(message, before) {
    this.#insert(message, before);
    this.#tellEmpty();
    if (this.#follows || message.isMine) {
      this.toEnd();
    } else {
      this.newer.hidden = false;
    }
  }

  remove(message) {
    const row = this.#rows.get(message);
    const next = row?.nextElementSibling;
    row?.remove();
    this.#rows.delete(message);
    this.#group(next);
  }

  /** Its state has changed. */
  touch(message) {
    const row = this.#rows.get(message);
    if (row) {
      row.dataset.state = message.state;
      this.#writeState(row, message);
    }
  }

  toEnd() {
    this.#follows = true;
    this.newer.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #insert(message, before) {
    const row = this.#row(message);
    this.#rows.set(message, row);
    this.list.insertBefore(row, this.#rows.get(before) ?? null);
    this.#group(row);
    this.#group(row.nextElementSibling);
  }

  /** Messages of one person within a few minutes stand together; a new day gets its line. */
  #group(row) {
    if (!row) {
      return;
    }
    const previous = row.previousElementSibling;
    const isNewDay = previous ? previous.dataset.day !== row.dataset.day : row.dataset.day !== day.format(new Date());
    const isTogether = previous && !isNewDay && previous.dataset.name === row.dataset.name
      && previous.classList.contains('mine') === row.classList.contains('mine')
      && Math.abs(Number(row.dataset.at) - Number(previous.dataset.at)) < TOGETHER_MS;
    row.classList.toggle('together', Boolean(isTogether));
    row.classList.toggle('new-day', isNewDay);
  }

  #row(message) {
    const { name, text, at, isMine } = message;
    const when = new Date(at);
    const row = document.createElement('li');
    const avatar = make('span', 'avatar');
    const bubble = make('div', 'bubble');
    const head = make('div', 'who');
    const time = make('time', 'when', clock.format(when));
    const foot = make('span', 'state');
    paintAvatar(avatar, name);
    avatar.setAttribute('aria-hidden', 'true');
    time.dateTime = when.toISOString();
    time.title = full.format(when);
    head.append(make('strong', 'name', isMine ? 'You' : name), time);
    head.style.setProperty('--hue', hueOf(name));
    bubble.append(make('p', ONLY_EMOJI.test(text) && HAS_PICTURE.test(text) ? 'text large' : 'text', text));
    row.className = isMine ? 'message mine' : 'message';
    row.dataset.name = name;
    row.dataset.at = when.getTime();
    row.dataset.day = day.format(when);
    row.dataset.state = message.state;
    row.append(make('span', 'day', row.dataset.day), avatar, head, bubble, foot);
    this.#writeState(row, message);
    return row;
  }

  #writeState(row, message) {
    const foot = row.querySelector('.state');
    foot.replaceChildren();
    if (message.state === 'sending') {
      foot.append('Sending…');
    } else if (message.state === 'failed') {
      const again = make('button', 'again', 'Send again');
      again.type = 'button';
      again.addEventListener('click', () => this.onRetry(message));
      foot.append('Not confirmed. ', again);
    }
  }

  #tellEmpty() {
    this.empty.hidden = this.list.childElementCount > 0;
  }
}
