// Who a client is, and what it may do: tokens at CONNECT, rules, expiry, keys read again.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { now, SECRET, signed, token, wrongTokens } from '../lib/jwt.mjs';
import { RawSession, stompFrame } from '../lib/rawsockjs.mjs';
import { test } from '../lib/test.mjs';
import { Program, until, withStack } from '../lib/stack.mjs';
import { FACES, frame, withClients } from '../lib/stomp.mjs';

const faces = Object.keys(FACES);

const RULES = [
  { match: '/nowhere', send: true },
  { match: '/topic/members/*', send: true, subscribe: true },
  { match: '/topic/inbox/{user}', subscribe: true },
  { match: '/topic/team/{claim.team}/**', subscribe: true },
  { match: '/topic/admin/**', send: { role: 'admin' }, subscribe: { role: 'admin' } },
];

/** `body(stack, folder)`: a gateway that wants tokens with `files` beside its configuration. */
async function withAuth(files, gateway, body, options) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-auth-'));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), text);
  }
  try {
    await withStack({ gateway: gateway(folder) }, (stack) => body(stack, folder), options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const bySecret = (extra = {}) => (folder) => ({
  auth: {
    anonymous: false,
    jwt: { secret_file: path.join(folder, 'jwt.secret'), audience: 'chat', leeway: '0s', ...extra.jwt },
  },
  ...extra.gateway,
});

const good = (claims = {}) => token({ sub: 'ada', aud: 'chat', ...claims });

const login = (headers) => frame('CONNECT', { 'accept-version': '1.2', host: 'test', ...headers });

for (const face of faces) {
  test(`each kind of wrong token gets one sentence and the end, on ${face}`, async () => {
    await withAuth({ 'jwt.secret': `${SECRET}\n` }, bySecret(), async (stack) => {
      const wrong = wrongTokens();
      await withClients(stack, async (open) => {
        const member = await open(face);
        await member.connect('1.2', { Authorization: good() });
        await member.subscribe('/topic/a');
        for (const [name, value] of wrong) {
          const client = await open(face);
          const headers = value === null ? {} : { Authorization: value };
          client.send(login(headers));
          client.send(frame('SEND', { destination: '/topic/a' }, 'from nobody'));
          const error = await client.refused();
          assert.equal(error.header('message'), 'Access refused', name);
          assert.equal(error.text, '', name);
          assert.ok(!value || !error.toString().includes(value), `${name}: nothing of the token comes back`);
        }
        await member.settle(); // nobody's SEND came through
      });
      const text = [...stack.gateways[0].lines, ...stack.broker.lines].join('\n');
      for (const [name, value] of wrong) {
        assert.ok(!value || value.length < 20 || !text.includes(value.slice(0, 20)), `${name} stands in no log`);
      }
      const reasons = stack.gateways[0].events('login_refused').map(({ fields }) => fields.reason);
      assert.deepEqual(reasons, wrong.map(([, , reason]) => reason), 'each is logged with its reason');
    });
  });

  test(`a right token lets in, with Bearer or without, on ${face}`, async () => {
    await withAuth({ 'jwt.secret': SECRET }, bySecret({ jwt: { from: ['header:Authorization', 'passcode'] } }), async (stack) => {
      await withClients(stack, async (open) => {
        for (const headers of [
          { Authorization: good() },
          { Authorization: `Bearer ${good()}` },
          { Authorization: `bearer   ${good()}` },
          { passcode: good(), login: 'x' },
          { Authorization: 'null', passcode: good() },
        ]) {
          const client = await open(face);
          await client.connect('1.2', headers);
          client.drop();
        }
      });
    });
  });
}

test('a token that expired before is told so, and one that expires while connected ends the session', async () => {
  await withAuth({ 'jwt.secret': SECRET }, bySecret(), async (stack) => {
    await withClients(stack, async (open) => {
      await Promise.all(faces.map(async (face) => {
        const late = await open(face);
        late.send(login({ Authorization: good({ exp: now() - 1 }) }));
        assert.equal((await late.refused()).header('message'), 'token expired');
        const client = await open(face);
        await client.connect('1.2', { Authorization: good({ exp: now() + 2 }) });
        const lasting = await open(face);
        await lasting.connect('1.2', { Authorization: good() });
        assert.equal((await client.refused()).header('message'), 'token expired');
        await lasting.settle();
      }));
    });
  });
});

test('a token on a SEND does not travel on', async () => {
  await withAuth({ 'jwt.secret': SECRET }, bySecret({ jwt: { from: ['header:Authorization', 'header:X-Token'] } }), async (stack) => {
    await withClients(stack, async (open) => {
      const client = await open('websocket');
      const secret = good();
      await client.connect('1.2', { Authorization: secret });
      await client.subscribe('/topic/a');
      client.send(frame('SEND', { destination: '/topic/a', authorization: secret, 'X-Token': secret, passcode: secret, kept: 'yes' }, 'x'));
      const message = await client.frame('MESSAGE');
      assert.equal(message.header('kept'), 'yes');
      assert.ok(!message.toString().includes(secret));
      assert.ok(!message.names.some((name) => /authorization|x-token|passcode/i.test(name)));
    });
  });
});

const ASKED = [
  // claims, command, destination, allowed
  [{}, 'SEND', '/topic/members/one', true],
  [{}, 'SUBSCRIBE', '/topic/members/*', true],
  [{}, 'SUBSCRIBE', '/topic/members/**', false],
  [{}, 'SUBSCRIBE', '/topic/other', false],
  [{}, 'SEND', '/topic/other', false],
  [{}, 'SUBSCRIBE', '/topic/inbox/ada', true],
  [{}, 'SUBSCRIBE', '/topic/inbox/root', false],
  [{}, 'SUBSCRIBE', '/topic/inbox/*', false],
  [{ sub: '안녕' }, 'SUBSCRIBE', '/topic/inbox/안녕', true],
  [{ sub: '*' }, 'SUBSCRIBE', '/topic/inbox/*', false],
  [{ team: 'red' }, 'SUBSCRIBE', '/topic/team/red/**', true],
  [{ team: 'red' }, 'SUBSCRIBE', '/topic/team/**', false],
  [{}, 'SUBSCRIBE', '/topic/team/red/x', false],
  [{ roles: ['admin'] }, 'SEND', '/topic/admin/x', true],
  [{ roles: ['user'] }, 'SEND', '/topic/admin/x', false],
  [{ roles: 'user admin' }, 'SUBSCRIBE', '/topic/admin/**', true],
];

for (const face of faces) {
  test(`what no rule allows is an ERROR that names the destination, and the end, on ${face}`, async () => {
    await withAuth({ 'jwt.secret': SECRET }, bySecret({ gateway: { rules: RULES } }), async (stack) => {
      await withClients(stack, async (open) => {
        for (const [claims, command, destination, isAllowed] of ASKED) {
          const client = await open(face);
          await client.connect('1.2', { Authorization: good(claims) });
          client.send(frame(command, { destination, id: 's', receipt: 'r' }));
          if (isAllowed) {
            assert.equal((await client.frame('RECEIPT')).header('receipt-id'), 'r', destination);
            client.drop();
          } else {
            const error = await client.refused();
            assert.equal(error.header('destination'), destination);
            assert.equal(error.header('receipt-id'), 'r');
            assert.match(error.header('message'), /^You may not (send|subscribe) to this destination$/);
          }
        }
      });
    });
  });
}

test('an endpoint of its own is open to everybody beside a closed one, and rules hold there too', async () => {
  const endpoints = [
    { path: '/ws', sockjs: true, allowed_origins: ['*'] },
    { path: '/stomp', sockjs: false, allowed_origins: ['*'], auth: 'none' },
  ];
  await withAuth({ 'jwt.secret': SECRET }, bySecret({ gateway: { rules: RULES, endpoints } }), async (stack) => {
    await withClients(stack, async (open) => {
      const anyone = await open('websocket');
      await anyone.connect('1.2', { Authorization: 'whatever' });
      await anyone.subscribe('/topic/members/one');
      anyone.send(frame('SUBSCRIBE', { id: 'x', destination: '/topic/inbox/ada' }));
      assert.equal((await anyone.refused()).header('destination'), '/topic/inbox/ada');
      const closed = await open('xhr');
      closed.send(login({}));
      assert.equal((await closed.refused()).header('message'), 'Access refused');
    });
  });
});

test('with anonymous, no token is nobody, and a wrong one is still refused', async () => {
  const gateway = (folder) => ({ auth: { anonymous: true, jwt: { secret_file: path.join(folder, 'jwt.secret') } }, rules: RULES });
  await withAuth({ 'jwt.secret': SECRET }, gateway, async (stack) => {
    await withClients(stack, async (open) => {
      const nobody = await open('tcp');
      await nobody.connect('1.2', { Authorization: 'null' });
      await nobody.subscribe('/topic/members/one');
      nobody.send(frame('SUBSCRIBE', { id: 'x', destination: '/topic/inbox/ada' }));
      await nobody.refused();
      const wrong = await open('tcp');
      wrong.send(login({ Authorization: 'wrong' }));
      await wrong.refused();
    });
  });
});

test('keys are read again on SIGHUP; wrong ones leave the old, and sessions stay', async () => {
  const pairs = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const set = (...indices) => JSON.stringify({
    keys: indices.map((index) => ({ ...pairs[index].publicKey.export({ format: 'jwk' }), kid: `k${index}`, use: 'sig' })),
  });
  const gateway = (folder) => ({ auth: { anonymous: false, jwt: { jwks_file: path.join(folder, 'jwks.json'), issuer: 'us' } } });
  await withAuth({ 'jwks.json': set(0) }, gateway, async (stack, folder) => {
    const [program] = stack.gateways;
    stack.allow('keys_refused');
    const by = (index, header) => signed({ sub: 'ada', iss: 'us' }, pairs[index].privateKey, header);
    const reload = async (text, event) => {
      const before = program.events(event).length;
      writeFileSync(path.join(folder, 'jwks.json'), text);
      program.signal('SIGHUP');
      await until(event, () => program.events(event).length > before);
    };
    await withClients(stack, async (open) => {
      const first = await open('websocket');
      await first.connect('1.2', { Authorization: by(0, { kid: 'k0' }) });
      const early = await open('websocket');
      early.send(login({ Authorization: by(1, { kid: 'k1' }) }));
      await early.refused();
      await reload('{"keys":[{"kty":"EC"', 'keys_refused');
      const still = await open('websocket');
      await still.connect('1.2', { Authorization: by(0) });
      await reload(set(1), 'keys_loaded');
      const second = await open('websocket');
      await second.connect('1.2', { Authorization: by(1, { kid: 'k1' }) });
      for (const header of [{ kid: 'k0' }, { kid: 'k1' }, {}]) {
        const old = await open('websocket');
        old.send(login({ Authorization: by(0, header) }));
        await old.refused();
      }
      await first.settle();
    });
  });
});

const spoken = async (exchange) => (await exchange.all()).map((one) => (one.type === 'a' ? one.messages.join('') : `${one.type}${one.code ?? ''}`)).join('');

test('who it is, what it may do and until when go with a session over three gateways', async () => {
  await withAuth({ 'jwt.secret': SECRET }, bySecret({ gateway: { rules: RULES } }), async (stack) => {
    const at = (i) => stack.urls[i % stack.urls.length];
    for (const [end, claims] of [['denied', {}], ['expired', { exp: now() + 3 }]]) {
      const session = new RawSession('xhr');
      assert.equal(await spoken(session.receive(at(0))), 'o');
      await session.send(at(1), [stompFrame('CONNECT', { 'accept-version': '1.2', Authorization: good({ team: 'red', ...claims }) })]);
      assert.match(await spoken(session.receive(at(2))), /^CONNECTED\n/);
      await session.send(at(0), [stompFrame('SUBSCRIBE', { id: 'a', destination: '/topic/inbox/ada', receipt: 'r1' })]);
      assert.match(await spoken(session.receive(at(1))), /^RECEIPT\n/);
      await session.send(at(2), [stompFrame('SUBSCRIBE', { id: 'b', destination: '/topic/team/red/**', receipt: 'r2' })]);
      assert.match(await spoken(session.receive(at(0))), /^RECEIPT\n/);
      if (end === 'denied') {
        await session.send(at(1), [stompFrame('SUBSCRIBE', { id: 'c', destination: '/topic/inbox/root' })]);
        assert.match(await spoken(session.receive(at(2))), /^ERROR\n[^]*destination:\/topic\/inbox\/root\n/);
      } else {
        assert.match(await spoken(session.receive(at(2))), /^ERROR\nmessage:token expired\n/);
      }
      assert.equal(await spoken(session.receive(at(0))), 'c1002');
    }
  }, { gateways: 3 });
});

const UNUSABLE = [
  ['too short', 'short', { secret_file: 'key' }, /gateway.auth.jwt.secret_file.*HS256 needs 32 bytes/],
  ['too short in base64', Buffer.alloc(47).toString('base64'), { secret_file: 'key', secret_encoding: 'base64', algorithms: ['HS384'] }, /HS384 needs 48 bytes/],
  ['no base64', 'a secret of thirty-two bytes, or more', { secret_file: 'key', secret_encoding: 'base64' }, /no base64/],
  ['empty', '', { secret_file: 'key' }, /empty/],
  ['no PEM', 'x', { key_file: 'key' }, /gateway.auth.jwt.key_file.*no public key in PEM/],
  ['no set', '{}', { jwks_file: 'key' }, /gateway.auth.jwt.jwks_file.*no JWK set/],
  ['no key for it', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', { jwks_file: 'key', algorithms: ['RS256'] }, /no key/],
  ['not there', null, { key_file: 'key' }, /No such file/],
];

test('a key that cannot be used is refused at the start, with its option and why, exit code 2', async () => {
  await withStack({}, async (stack) => {
    for (const [name, text, jwt, expected] of UNUSABLE) {
      const folder = mkdtempSync(path.join(tmpdir(), 'sluice-auth-'));
      if (text !== null) {
        writeFileSync(path.join(folder, 'key'), text);
      }
      const file = path.join(folder, 'sluice.json');
      const { broker, gateway } = stack.config;
      writeFileSync(file, JSON.stringify({ broker, gateway: { ...gateway, auth: { jwt: { issuer: 'us', ...jwt } } } }));
      const program = new Program('gateway', stack.program('gateway'), ['--config', file]);
      const { code } = await program.exited;
      assert.equal(code, 2, `${name}\n${program.tail()}`);
      assert.match(program.tail(), expected, name);
      rmSync(folder, { recursive: true });
    }
  });
});
