// SPDX-License-Identifier: MIT
//
// Where the load goes: BASE (http or https address) and ENDPOINT. Sluice and Spring differ in nothing else.

export const base = (__ENV.BASE || 'http://127.0.0.1:8080').replace(/\/$/, '');
export const endpoint = __ENV.ENDPOINT || '/ws';
export const websocketUrl = `${base.replace(/^http/, 'ws')}${endpoint}/websocket`;
export const topic = __ENV.TOPIC || '/topic/load';

export function number(name, otherwise) {
  const value = Number(__ENV[name] || otherwise);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${name} is a whole number above 0`);
  }
  return value;
}

/** Letters and digits; long enough not to meet another of this run. */
export function randomId(length = 12) {
  let id = '';
  while (id.length < length) {
    id += Math.random().toString(36).slice(2);
  }
  return id.slice(0, length);
}
