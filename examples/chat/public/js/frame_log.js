// The log of STOMP frames: the last 200 messages on the wire, either way, each of which opens.

const KEPT = 200;
const encoder = new TextEncoder();

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

const clock = (date) => `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`;

/** {command, about}: what a closed row says of one wire message. */
export function summarize(text) {
  const head = text.replace(/^[\r\n]+/, '');
  if (head === '') {
    return { command: 'heart-beat', about: '' };
  }
  const [command, ...lines] = head.split('\n\n', 1)[0].split('\n');
  const header = (name) => lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
  const about = header('destination') ?? header('receipt-id') ?? header('message') ?? header('version') ?? header('id') ?? '';
  return { command: /^[A-Z]+\r?$/.test(command) ? command.trim() : '(part of a frame)', about };
}

export class FrameLog {
  #frames = [];
  #isOpen = false;

  constructor({ panel, list, empty, count, beats, clear }) {
    this.panel = panel;
    this.list = list;
    this.empty = empty;
    this.count = count;
    this.beats = beats;
    beats.addEventListener('change', () => this.#drawAll());
    clear.addEventListener('click', () => {
      this.#frames = [];
      this.#drawAll();
    });
  }

  get frames() {
    return this.#frames.map(({ direction, text, at }) => ({ direction, text, at: at.toISOString(), ...summarize(text) }));
  }

  add(direction, text) {
    const frame = { direction, text, at: new Date(), row: null };
    this.#frames.push(frame);
    const dropped = this.#frames.length > KEPT ? this.#frames.shift() : null;
    if (this.#isOpen) {
      dropped?.row?.remove();
      this.#draw(frame);
    }
  }

  setOpen(isOpen) {
    this.#isOpen = isOpen;
    this.panel.hidden = !isOpen;
    this.#drawAll();
  }

  #drawAll() {
    this.list.replaceChildren();
    if (this.#isOpen) {
      for (const frame of this.#frames) {
        this.#draw(frame);
      }
    }
    this.#tell();
  }

  #draw(frame) {
    const { command, about } = summarize(frame.text);
    if (command === 'heart-beat' && !this.beats.checked) {
      frame.row = null;
      this.#tell();
      return;
    }
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    frame.row = this.#row(frame, command, about);
    this.list.append(frame.row);
    if (isAtEnd) {
      this.list.scrollTop = this.list.scrollHeight;
    }
    this.#tell();
  }

  #row({ direction, text, at }, command, about) {
    const row = document.createElement('li');
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    const arrow = make('span', 'frame-way', direction === 'in' ? '←' : '→');
    arrow.setAttribute('role', 'img');
    arrow.setAttribute('aria-label', direction === 'in' ? 'received' : 'sent');
    summary.append(arrow, make('strong', 'frame-command', command), make('span', 'frame-about', about), make('time', 'frame-at', clock(at)));
    details.append(summary);
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) {
        const shown = /^[\r\n]+$/.test(text) ? '(a newline)' : text.replaceAll('\0', '^@');
        details.append(make('pre', '', shown), make('p', 'frame-size', `${encoder.encode(text).length} bytes`));
        details.scrollIntoView({ block: 'nearest' });
      }
    });
    row.className = `frame ${direction} ${command === 'heart-beat' ? 'beat' : ''} ${command === 'ERROR' ? 'error' : ''}`;
    row.append(details);
    return row;
  }

  #tell() {
    this.empty.hidden = this.list.childElementCount > 0;
    this.count.textContent = this.#frames.length || '';
  }
}
