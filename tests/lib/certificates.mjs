// Certificates for tests, made by openssl: a CA of one run and what it signs, in a folder that goes with the process.
//
//   const { certificate, key } = issue('site', { names: ['DNS:site.test'] });      paths
//   authority()                                                                     the CA in PEM

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

let folder = null;

export function openssl(...args) {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The folder, with the CA in it. */
export function certificates() {
  if (folder === null) {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-certificates-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '60',
      '-subj', '/CN=Sluice tests', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  }
  return folder;
}

const at = (name) => path.join(folder, name);

export const authority = () => readFileSync(path.join(certificates(), 'ca.pem'), 'utf8');

const KEYS = {
  ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['rsa:2048'],
  weak: ['rsa:1024'],
  ed25519: ['ed25519'],
};

export function issue(name, { names = ['DNS:localhost', 'IP:127.0.0.1'], kind = 'ec', days = 60 } = {}) {
  certificates();
  writeFileSync(at(`${name}.ext`), `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth\n`);
  openssl('req', '-newkey', ...KEYS[kind], '-nodes', '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
  openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', String(days),
    '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`));
  return { certificate: at(`${name}.pem`), key: at(`${name}.key`) };
}

let usual = null;

/** The one that most cases need: for localhost. */
export function localhost() {
  usual ??= issue('localhost');
  return usual;
}
