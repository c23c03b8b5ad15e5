// SPDX-License-Identifier: MIT
//
// As much STOMP 1.2 as a load test needs: frames as text, one decoder that joins what was split.

export function frame(command, headers, body = '') {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return `${command}\n${lines.join('')}\n${body}\0`;
}

export class Decoder {
  constructor() {
    this.rest = '';
  }

  /** Whole frames of `text` and what was kept before: {command, headers, body}. */
  decode(text) {
    const parts = (this.rest + text).split('\0');
    this.rest = parts.pop();
    if (/^[\r\n]*$/.test(this.rest)) {
      this.rest = '';
    }
    return parts.map((part) => {
      const [head, ...body] = part.replace(/^[\r\n]+/, '').split('\n\n');
      const [command, ...lines] = head.split('\n');
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon)] = line.slice(colon + 1);
      }
      return { command, headers, body: body.join('\n\n') };
    });
  }
}
