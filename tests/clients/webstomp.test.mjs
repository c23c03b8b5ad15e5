// webstomp-client 1.2.6 over WebSocket and SockJS. It offers all subprotocols and asks for the version it was told to.

import assert from 'node:assert/strict';
import SockJS from 'sockjs-client';
import webstomp from 'webstomp-client';
import WebSocket from 'ws';
import { test } from '../lib/test.mjs';
import { sharedStack } from '../lib/stack.mjs';

const stack = sharedStack();
const TEXT = '안녕하세요 🐟 a:b';

const WAYS = {
  WebSocket: (programs) => new WebSocket(`ws://127.0.0.1:${programs.port}/ws/websocket`, ['v10.stomp', 'v11.stomp', 'v12.stomp']),
  'SockJS websocket': (programs) => new SockJS(`${programs.url}/ws`, null, { transports: ['websocket'], timeout: 10_000 }),
  'SockJS xhr-polling': (programs) => new SockJS(`${programs.url}/ws`, null, { transports: ['xhr-polling'], timeout: 10_000 }),
  'SockJS xhr-streaming': (programs) => new SockJS(`${programs.url}/ws`, null, { transports: ['xhr-streaming'], timeout: 10_000 }),
};

for (const [name, way] of Object.entries(WAYS)) {
  for (const version of [undefined, '1.0', '1.1', '1.2']) {
    test(`${name}, ${version ?? 'its own'} version: connect, subscribe, send, receive, unsubscribe, disconnect`, async () => {
      const programs = await stack();
      const client = webstomp.over(way(programs), { debug: false, ...(version ? { version } : {}), heartbeat: { incoming: 10000, outgoing: 10000 } });
      const failed = new Promise((_, reject) => {
        client.onerror = (frame) => reject(new Error(`ERROR ${frame.headers?.message}`));
      });
      failed.catch(() => {});
      await new Promise((resolve, reject) => {
        client.connect({ host: 'any' }, resolve, (error) => reject(new Error(`${error.code ?? ''} ${error.reason ?? error.body}`)));
      });
      const destination = `/topic/webstomp-${name.replace(' ', '-')}-${version}`;
      const found = [];
      let wake = () => {};
      const subscription = client.subscribe(destination, (message) => {
        found.push(message);
        wake();
      });
      for (let i = 0; i < 50; i++) {
        client.send(destination, i === 0 ? TEXT : String(i), { receipt: `r${i}` });
      }
      while (found.length < 50) {
        await Promise.race([failed, new Promise((resolve) => {
          wake = resolve;
        })]);
      }
      assert.deepEqual(found.map(({ body }) => body), Array.from({ length: 50 }, (_, i) => (i === 0 ? TEXT : String(i))));
      subscription.unsubscribe();
      await new Promise((resolve) => client.disconnect(resolve));
    });
  }
}
