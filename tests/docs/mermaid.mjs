// Reads [{where, text}] from standard input and says which of the Mermaid diagrams do not parse.
// Exit status 77: mermaid or jsdom is not in build/node.
import {existsSync, readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';
import {createRequire} from 'node:module';
import path from 'node:path';

const modules = path.resolve('build/node/node_modules');
if (!existsSync(`${modules}/mermaid`) || !existsSync(`${modules}/jsdom`)) process.exit(77);
const {JSDOM} = createRequire(`${modules}/`)('jsdom');
// Mermaid cleans labels with the DOM of the page that it is in.
const {window} = new JSDOM('');
globalThis.window = window;
globalThis.document = window.document;
const {default: mermaid} = await import(pathToFileURL(`${modules}/mermaid/dist/mermaid.core.mjs`).href);

let wrong = 0;
for (const {where, text} of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    await mermaid.parse(text);
  } catch (error) {
    console.log(`${where}: the diagram does not parse: ${error.message}`);
    ++wrong;
  }
}
process.exit(wrong === 0 ? 0 : 1);
