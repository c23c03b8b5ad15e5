// Other people's clients, unchanged, against the real programs. node tests/clients/run.mjs <build-dir> [name part...]

import { runFiles } from '../lib/test.mjs';

await runFiles(import.meta.url, process.argv);
