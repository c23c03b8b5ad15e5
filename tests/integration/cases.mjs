// The cases beside this file alone, without the suites in Python: node tests/integration/cases.mjs <build-dir> [name part...]

import { runFiles } from '../lib/test.mjs';

await runFiles(import.meta.url, process.argv);
