// Who is writing in a room: we say it while we write, others' word for it fades when it is not repeated.

import { personName, typingText } from './names.js';

const SAID_MS = 2_000; // we repeat it this often
const SHOWN_MS = 5_000;

export class Typing {
  #writers = new Map(); // name -> timer
  #saidAt = 0;

  /** `publish({from, name, isTyping})` tells the others. */
  constructor(me, line, publish) {
    this.me = me;
    this.line = line;
    this.publish = publish;
  }

  say(isTyping) {
    const now = Date.now();
    if (isTyping ? now - this.#saidAt < SAID_MS : this.#saidAt === 0) {
      return;
    }
    this.#saidAt = isTyping ? now : 0;
    this.publish({ from: this.me.from, name: this.me.name, isTyping });
  }

  /** Our message says by itself that the writing is over. */
  sent() {
    this.#saidAt = 0;
  }

  hear({ from, name, isTyping }) {
    if (from === this.me.from || typeof name !== 'string') {
      return;
    }
    const writer = personName(name);
    clearTimeout(this.#writers.get(writer));
    this.#writers.delete(writer);
    if (isTyping) {
      this.#writers.set(writer, setTimeout(() => this.over(writer), SHOWN_MS));
    }
    this.#show();
  }

  /** What this person wrote has come. */
  over(writer) {
    clearTimeout(this.#writers.get(writer));
    this.#writers.delete(writer);
    this.#show();
  }

  forget() {
    this.#writers.forEach((timer) => clearTimeout(timer));
    this.#writers.clear();
    this.#show();
  }

  #show() {
    this.line.textContent = typingText([...this.#writers.keys()]);
  }
}
