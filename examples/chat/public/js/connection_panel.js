// What the page says about its connection: the chip on top, the panel with transport, round trip and server, the notice.

const TRANSPORTS = [
  ['auto', 'Automatic', 'SockJS tries WebSocket first, then one fallback after the other.'],
  ['websocket', 'WebSocket', 'One connection, both ways. What nearly everybody gets.'],
  ['xhr-streaming', 'XHR streaming', 'One long response brings the messages; each send is a POST.'],
  ['eventsource', 'EventSource', 'Server-sent events bring the messages; each send is a POST.'],
  ['htmlfile', 'HTML file', 'A hidden frame that never finishes loading; each send is a POST.'],
  ['xhr-polling', 'XHR polling', 'A request waits for the next message, then the next one waits.'],
  ['jsonp-polling', 'JSONP polling', 'Script tags bring the messages, forms carry them away. The last resort.'],
  ['iframe-eventsource', 'iframe: EventSource', 'EventSource inside a frame from the server’s own origin.'],
  ['iframe-htmlfile', 'iframe: HTML file', 'HTML file inside a frame from the server’s own origin.'],
  ['iframe-xhr-polling', 'iframe: XHR polling', 'XHR polling inside a frame from the server’s own origin.'],
];
const STATES = { off: 'Offline', connecting: 'Connecting', open: 'Connected', waiting: 'Reconnecting' };

const element = (id) => document.getElementById(id);
const milliseconds = (ms) => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`);

export class ConnectionPanel {
  #connection;
  #choice = element('transport-choice');

  /** `onChoice(transport)` when another one is chosen. */
  constructor(connection, first, onChoice) {
    this.#connection = connection;
    this.#choice.append(...TRANSPORTS.map(([value, label]) => new Option(label, value)));
    this.choose(first);
    this.#choice.addEventListener('change', () => onChoice(this.#choice.value));
    connection.addEventListener('state', () => this.#show());
    connection.addEventListener('rtt', () => this.#showRoundTrips());
    element('measure').addEventListener('click', () => connection.probe());
    element('power').addEventListener('click', () => {
      if (connection.state === 'off') {
        connection.start(this.choice);
      } else {
        connection.stop();
      }
    });
  }

  get choice() {
    return this.#choice.value;
  }

  choose(transport) {
    const [value, , hint] = TRANSPORTS.find(([name]) => name === transport) ?? TRANSPORTS[0];
    this.#choice.value = value;
    element('transport-hint').textContent = hint;
  }

  #show() {
    const { state, transport, headers, reason } = this.#connection;
    const notices = { off: 'You are offline. Connect to go on.', waiting: `The connection is lost${reason ? `: ${reason}` : ''}. Trying again…` };
    element('chip').dataset.state = state;
    element('chip-state').textContent = STATES[state];
    element('chip-transport').textContent = transport;
    element('fact-transport').textContent = transport || 'none';
    element('fact-server').textContent = headers.server ?? '–';
    element('power').textContent = state === 'off' ? 'Connect' : 'Disconnect';
    element('measure').disabled = state !== 'open';
    element('composer-send').disabled = state !== 'open';
    element('notice').textContent = notices[state] ?? '';
    element('notice').hidden = !(state in notices);
    this.#showRoundTrips();
  }

  #showRoundTrips() {
    const trips = this.#connection.state === 'open' ? this.#connection.roundTrips : [];
    const last = trips.at(-1);
    element('chip-rtt').textContent = last === undefined ? '' : milliseconds(last);
    element('fact-rtt').textContent = last === undefined ? '–' : milliseconds(last);
    const top = Math.max(...trips, 1);
    const step = 200 / Math.max(trips.length - 1, 1);
    const points = trips.map((ms, i) => `${(i * step).toFixed(1)} ${(33 - (ms / top) * 29).toFixed(1)}`);
    const line = points.length > 1 ? `M${points.join('L')}` : '';
    document.querySelector('.spark-line').setAttribute('d', line);
    document.querySelector('.spark-area').setAttribute('d', line && `${line}L200 36L0 36Z`);
  }
}
