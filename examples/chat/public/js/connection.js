// One STOMP connection over SockJS that comes back by itself.
//
//   start(transport) -> `state` events: connecting, open, waiting, off
//   subscribe()      kept by name, subscribed again at each connection
//   publish()        with a receipt: the time until RECEIPT is a round trip (`rtt`)
//   every wire message, either way, is a `wire` event
//
// What was published and not receipted when the connection broke is told to its sender by onLost.

const HEART_BEAT_MS = 10_000;
const GRACE_MS = 1_500;
const PATIENCE_MS = 5_000; // where there is no other transport to go on to
const PROBE_EVERY_MS = 10_000;
const PROBE_DESTINATION = '/topic/chat-probe';

export class Connection extends EventTarget {
  #endpoint;
  #heartBeatMs;
  #client = null;
  #socket = null;
  #transport = 'auto';
  #subscriptions = new Map(); // destination -> {onMessage, handle}
  #unreceipted = new Map(); // receipt id -> {sentAt, onReceipt, onLost}
  #lastReceipt = 0;
  #refusal = '';
  #probeTimer = 0;

  constructor({ endpoint, heartBeatMs = HEART_BEAT_MS }) {
    super();
    this.#endpoint = endpoint;
    this.#heartBeatMs = heartBeatMs;
    this.state = 'off';
    this.reason = '';
    this.headers = {};
    this.roundTrips = [];
  }

  /** The SockJS transport in use, or an empty string. */
  get transport() {
    return this.state === 'open' ? (this.#socket?.transport ?? '') : '';
  }

  start(transport) {
    this.#transport = transport;
    this.roundTrips = [];
    this.reason = '';
    const client = new StompJs.Client({
      webSocketFactory: () => this.#openSocket(client),
      heartbeatIncoming: this.#heartBeatMs,
      heartbeatOutgoing: this.#heartBeatMs,
      heartbeatStrategy: StompJs.TickerStrategy.Worker, // a hidden tab's timers run once a minute
      reconnectDelay: 500,
      maxReconnectDelay: 8_000,
      reconnectTimeMode: StompJs.ReconnectionTimeMode.EXPONENTIAL,
      beforeConnect: () => {
        this.#refusal = '';
        this.#setState('connecting');
      },
      onConnect: (frame) => client === this.#client && this.#onConnected(frame),
      onStompError: (frame) => {
        this.#refusal = frame.headers.message ?? 'The server refused.';
      },
      onWebSocketClose: (event) => client === this.#client && this.#onClosed(event),
    });
    this.#client = client;
    client.activate();
  }

  /** Says DISCONNECT and waits a moment for the answer; then the line is cut. */
  async stop() {
    const client = this.#client;
    if (client === null) {
      return;
    }
    let timer;
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, GRACE_MS);
    });
    await Promise.race([client.deactivate(), grace]);
    clearTimeout(timer);
    if (client === this.#client) {
      this.#client = null;
      client.deactivate({ force: true });
      this.#closed('off');
    }
  }

  async restart(transport) {
    await this.stop();
    this.start(transport);
  }

  subscribe(destination, onMessage) {
    this.unsubscribe(destination);
    const entry = { onMessage, handle: null };
    this.#subscriptions.set(destination, entry);
    if (this.state === 'open') {
      this.#subscribeNow(destination, entry);
    }
  }

  unsubscribe(destination) {
    const entry = this.#subscriptions.get(destination);
    this.#subscriptions.delete(destination);
    if (this.state === 'open') {
      entry?.handle?.unsubscribe();
    }
  }

  /** False when there is no connection. With `onReceipt` the server's receipt is asked for. */
  publish(destination, value, { onReceipt, onLost } = {}) {
    if (this.state !== 'open') {
      return false;
    }
    const headers = { 'content-type': 'application/json' };
    if (onReceipt) {
      headers.receipt = this.#expectReceipt({ onReceipt, onLost });
    }
    this.#client.publish({ destination, headers, body: JSON.stringify(value) });
    return true;
  }

  /** Measures a round trip with a message that nobody hears. */
  probe() {
    return this.publish(PROBE_DESTINATION, {}, { onReceipt: () => {} });
  }

  #openSocket(client) {
    const options = this.#transport === 'auto' ? {} : { transports: [this.#transport], timeout: PATIENCE_MS };
    const socket = new SockJS(this.#endpoint, null, options);
    const send = socket.send;
    socket.send = (text) => {
      this.#emit('wire', { direction: 'out', text });
      return send.call(socket, text);
    };
    const dispatch = socket.dispatchEvent; // a listener would come after stompjs' own onmessage, and after its answer
    socket.dispatchEvent = (event) => {
      if (event.type === 'message') {
        this.#emit('wire', { direction: 'in', text: event.data });
      }
      return dispatch.call(socket, event);
    };
    if (client === this.#client) {
      this.#socket = socket;
    }
    return socket;
  }

  #expectReceipt({ onReceipt, onLost }) {
    const id = `r${++this.#lastReceipt}`;
    this.#unreceipted.set(id, { sentAt: performance.now(), onReceipt, onLost });
    this.#client.watchForReceipt(id, () => {
      const waiting = this.#unreceipted.get(id);
      if (waiting) {
        this.#unreceipted.delete(id);
        const ms = performance.now() - waiting.sentAt;
        this.roundTrips = [...this.roundTrips, ms].slice(-40);
        waiting.onReceipt(ms);
        this.#emit('rtt', { ms });
      }
    });
    return id;
  }

  #subscribeNow(destination, entry) {
    entry.handle = this.#client.subscribe(destination, (message) => {
      let value;
      try {
        value = JSON.parse(message.body);
      } catch {
        return; // somebody else's message: not ours to show
      }
      entry.onMessage(value);
    });
  }

  #onConnected({ headers }) {
    this.headers = headers;
    this.reason = '';
    for (const [destination, entry] of this.#subscriptions) {
      this.#subscribeNow(destination, entry);
    }
    this.#setState('open');
    this.probe();
    this.#probeTimer = setInterval(() => document.hidden || this.probe(), PROBE_EVERY_MS);
  }

  #onClosed({ code, reason }) {
    this.reason = this.#refusal || (reason && code !== 1000 ? `${reason} (${code})` : '');
    if (this.#client.active) {
      this.#closed('waiting');
    }
  }

  #closed(state) {
    clearInterval(this.#probeTimer);
    this.#socket = null;
    this.headers = {};
    for (const entry of this.#subscriptions.values()) {
      entry.handle = null;
    }
    const lost = [...this.#unreceipted.values()];
    this.#unreceipted.clear();
    this.#setState(state);
    for (const { onLost } of lost) {
      onLost?.();
    }
  }

  #setState(state) {
    this.state = state;
    this.#emit('state', { state });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
