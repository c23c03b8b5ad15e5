// The composition under test: its images, its services, its network namespace, and commands that act on it.
//
//   const composition = new Composition(folder);   folder: what is mounted into the containers
//   composition.build(); composition.up('gateway', …); composition.stop('gateway2'); composition.down();
//
// Works with docker-compose 1.29 and with `docker compose`.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const FILES = ['docker-compose.yml', 'tests/compose/one-namespace.yml'];
const PROJECT = 'sluice-test';
const IMAGES = { sluice: 'sluice', haproxy: 'sluice-haproxy', redis: 'sluice-redis' };
export const GATEWAYS = [1, 2, 3, 4].map((n) => ({
  name: `gateway${n}`, service: n === 1 ? 'gateway' : `gateway${n}`, port: 8080 + n, adminPort: 9180 + n,
}));

/** Output as text; what goes wrong has it in its message. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${String(error.stdout ?? '').slice(-3000)}\n${String(error.stderr ?? '').slice(-3000)}`);
  }
}

function composeCommand() {
  try {
    run('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch {
    return ['docker-compose'];
  }
}

/** docker/haproxy.cfg as it ships, but on loopback, and with these gateways instead of those that a name server knows. */
export function balancerConfig() {
  const shipped = readFileSync(path.join(ROOT, 'docker/haproxy.cfg'), 'utf8');
  const servers = (rest) => GATEWAYS.map((gateway) => `    server ${rest(gateway)}\n`).join('');
  const changes = [
    [/^resolvers docker\n(?: {4}.*\n)+/m, ''],
    [/ init-addr none resolvers docker$/m, ''],
    [/check port \d+/, 'check'],
    [/^ {4}server-template gateway 20 gateway:8080\n/m, servers(({ name, port, adminPort }) => `${name} 127.0.0.1:${port} port ${adminPort}`)],
    [/^ {4}server-template waiting 20 gateway:8080 backup no-check\n/m, servers(({ name, port }) => `waiting-${name} 127.0.0.1:${port} backup no-check`)],
    [/bind :8080/, 'bind 127.0.0.1:8080'],
    [/^frontend stomp\n[^]*$/m, ''],
    [/^ {4}balance roundrobin$/m, '    balance roundrobin\n    http-reuse never'],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!from.test(text)) {
      throw new Error(`docker/haproxy.cfg has no ${from}`);
    }
    return text.replace(from, to);
  }, shipped);
}

export class Composition {
  constructor(folder) {
    this.folder = folder;
    this.command = composeCommand();
  }

  build() {
    for (const [target, image] of Object.entries(IMAGES)) {
      run('docker', ['build', '--force-rm', '--network', 'host', '--target', target, '-t', image, '.']);
    }
  }

  prepare() {
    writeFileSync(path.join(this.folder, 'haproxy.cfg'), balancerConfig(), { mode: 0o644 });
  }

  compose(...args) {
    const [program, ...words] = this.command;
    const files = FILES.flatMap((file) => ['-f', path.join(ROOT, file)]);
    const env = { ...process.env, SLUICE_TEST_FOLDER: this.folder };
    return run(program, [...words, '-p', PROJECT, ...files, ...args], { env });
  }

  up(...services) {
    return this.compose('up', '-d', '--no-build', ...services);
  }

  container(service) {
    return this.compose('ps', '-q', service).trim();
  }

  stop(service) {
    return run('docker', ['stop', this.container(service)]);
  }

  restart(service) {
    return run('docker', ['restart', this.container(service)]);
  }

  start(service) {
    return this.compose('start', service);
  }

  logs() {
    return this.compose('logs', '--no-color');
  }

  down() {
    return this.compose('down', '-v', '--timeout', '5');
  }

  /** The process whose network namespace is that of all. */
  namespacePid() {
    return run('docker', ['inspect', '-f', '{{.State.Pid}}', this.container('redis')]).trim();
  }
}
