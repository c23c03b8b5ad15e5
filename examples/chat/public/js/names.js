// Names of people and rooms, and what is derived from them. Pure functions.

const FIRST = ['Amber', 'Brisk', 'Calm', 'Dusty', 'Early', 'Fair', 'Gentle', 'Hazel', 'Ivory', 'Jolly', 'Kind', 'Lucky', 'Merry', 'Quiet', 'Rapid', 'Sunny'];
const SECOND = ['Badger', 'Crane', 'Dolphin', 'Eider', 'Finch', 'Heron', 'Ibis', 'Kingfisher', 'Lynx', 'Marten', 'Otter', 'Plover', 'Salmon', 'Swift', 'Tern', 'Wren'];

const pick = (list) => list[Math.floor(Math.random() * list.length)];

export const randomName = () => `${pick(FIRST)} ${pick(SECOND)}`;

/** 96 random bits; crypto.randomUUID is not there on plain http beyond this machine. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A room's name as one segment of a destination: letters of any script, digits, `-` and `_`. Empty if nothing is left. */
export function roomName(text) {
  const words = text.normalize('NFC').toLowerCase().replace(/^#/, '').trim().replace(/\s+/gu, '-');
  return Array.from(words.replace(/[^\p{L}\p{M}\p{N}_-]/gu, '')).slice(0, 40).join('');
}

export function personName(text) {
  return Array.from(text.replace(/\s+/gu, ' ').trim()).slice(0, 32).join('');
}

/** The same name has the same hue in every window. */
export function hueOf(name) {
  let hash = 2166136261;
  for (const unit of name) {
    hash = Math.imul(hash ^ unit.codePointAt(0), 16777619);
  }
  return (hash >>> 0) % 360;
}

export function initialOf(name) {
  const [first = '?'] = typeof Intl.Segmenter === 'function'
    ? Array.from(new Intl.Segmenter().segment(name), ({ segment }) => segment)
    : Array.from(name);
  return first.toLocaleUpperCase();
}

/** "Ann is typing…", "Ann and Bo are typing…", "Ann, Bo and 2 others are typing…" */
export function typingText(names) {
  if (names.length === 0) {
    return '';
  }
  if (names.length === 1) {
    return `${names[0]} is typing…`;
  }
  if (names.length <= 3) {
    return `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are typing…`;
  }
  return `${names[0]}, ${names[1]} and ${names.length - 2} others are typing…`;
}
