// Tokens as a login server mints them, and as nobody should.

import { createHmac, sign as signWith } from 'node:crypto';

export const SECRET = 'a secret of thirty-two bytes, or more';

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export const now = () => Math.floor(Date.now() / 1000);

/** HS256; `claims` may be text, which then need not be JSON. */
export function token(claims, { secret = SECRET, header = { alg: 'HS256', typ: 'JWT' } } = {}) {
  const text = `${part(header)}.${part(typeof claims === 'string' ? claims : { exp: now() + 3600, ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** ES256, by a private key of node:crypto. */
export function signed(claims, key, header = {}) {
  const text = `${part({ alg: 'ES256', ...header })}.${part({ exp: now() + 3600, ...claims })}`;
  return `${text}.${signWith('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** Every way to be wrong that a client could show: [name, what stands in the header (null: there is none), our reason]. */
export function wrongTokens() {
  const claims = { sub: 'ada', aud: 'chat' };
  const good = token(claims);
  const [header, payload, signature] = good.split('.');
  return [
    ['missing', null, 'no token'],
    ['empty', '', 'no token'],
    ['null', 'null', 'no token'],
    ['undefined', 'undefined', 'no token'],
    ['bearer', 'Bearer', 'no token'],
    ['bearer null', 'Bearer null', 'no token'],
    ['a word', 'password', 'format'],
    ['another secret', token(claims, { secret: 'another secret of thirty-two bytes' }), 'signature'],
    ['none', `${part({ alg: 'none' })}.${payload}.`, 'format'],
    ['none, signed', token(claims, { header: { alg: 'none' } }), 'algorithm'],
    ['another algorithm', token(claims, { header: { alg: 'RS256' } }), 'algorithm'],
    ['unsigned', `${header}.${payload}.`, 'format'],
    ['cut off', good.slice(0, -3), 'signature'],
    ['payload exchanged', `${header}.${part({ sub: 'root', aud: 'chat', exp: now() + 3600 })}.${signature}`, 'signature'],
    ['no exp', token({ ...claims, exp: undefined }), 'claims'],
    ['no name', token({ aud: 'chat' }), 'claims'],
    ['not yet', token({ ...claims, nbf: now() + 3600 }), 'early'],
    ['another audience', token({ ...claims, aud: 'mail' }), 'audience'],
    ['no JSON', token('sub=ada'), 'format'],
  ];
}
