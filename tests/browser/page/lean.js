// Two rooms, numbered messages, and nothing else: what the transports are tested with.
//
//   lean.open({endpoint, transport, rooms})   connected, subscribed (receipts) -> {transport, session}
//   lean.talk({name, count})                  sends `count` numbered messages over both rooms, in growing bursts, each
//                                             after the echo of the one before
//   lean.hear({name, count})                  resolves when `count` messages of `name` are here
//   lean.leave()                              DISCONNECT, and the connection's end
//
// All of them fail at once when the connection ends unasked.

const TEXT = '안녕하세요 세계 🙂👩‍👩‍👧‍👦 100% %41 "q" \\ </script> \u2028\u00ff\ufffd & é';

window.lean = (() => {
  const heard = []; // {room, name, n, isWhole}
  const waiting = new Set();
  let client;
  let socket;
  let ended = null;

  function check() {
    for (const waiter of [...waiting]) {
      if (ended !== null) {
        waiting.delete(waiter);
        waiter.reject(new Error(`the connection ended: ${ended}; heard ${heard.length}`));
      } else if (waiter.test()) {
        waiting.delete(waiter);
        waiter.resolve();
      }
    }
  }

  const until = (test) => new Promise((resolve, reject) => {
    waiting.add({ test, resolve, reject });
    check();
  });

  const of = (name) => heard.filter((one) => one.name === name);

  function receipt(send) {
    const id = `r${Math.random()}`;
    return new Promise((resolve) => {
      client.watchForReceipt(id, resolve);
      send({ receipt: id });
    });
  }

  async function subscribe(room) {
    const onMessage = ({ body, headers }) => {
      const { name, n, text } = JSON.parse(body);
      heard.push({ room, name, n, isWhole: text === TEXT && headers.destination === `/topic/chat/${room}` });
      check();
    };
    await receipt((headers) => client.subscribe(`/topic/chat/${room}`, onMessage, headers));
  }

  async function open({ endpoint, transport, rooms, heartBeatMs = 10_000 }) {
    // The stock timeout is some 300 ms a round trip: a machine that starts six pages at once is slower. 1.1.2 ignores it.
    const options = { transports: [transport], timeout: 10_000 };
    const connected = new Promise((resolve) => {
      client = new StompJs.Client({
        webSocketFactory: () => (socket = new SockJS(endpoint, null, options)),
        heartbeatIncoming: heartBeatMs,
        heartbeatOutgoing: heartBeatMs,
        reconnectDelay: 0,
        onConnect: resolve,
        onStompError: ({ headers }) => end(`ERROR ${headers.message}`),
        onWebSocketClose: ({ code, reason }) => end(`${code} ${reason}`),
      });
      client.activate();
    });
    const { headers } = await Promise.race([connected, until(() => false)]);
    lean.rooms = rooms;
    await Promise.all(rooms.map(subscribe));
    return { transport: socket.transport, session: headers.session };
  }

  function end(why) {
    ended = ended ?? why;
    check();
  }

  async function talk({ name, count }) {
    for (let sent = 0, burst = 1; sent < count; burst++) {
      const upTo = Math.min(sent + burst, count);
      for (; sent < upTo; sent++) {
        client.publish({
          destination: `/topic/chat/${lean.rooms[sent % lean.rooms.length]}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name, n: sent, text: TEXT }),
        });
      }
      await until(() => of(name).length >= upTo);
    }
  }

  async function hear({ name, count }) {
    await until(() => of(name).length >= count);
    return of(name);
  }

  async function leave() {
    await client.deactivate();
    return ended;
  }

  return { open, talk, hear, of, leave, until, get ended() { return ended; } };
})();
