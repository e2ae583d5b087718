// node tests/docs/render.mjs [FILE...]: documents as a reader sees them, a PNG for each chapter, into
// build/rendered. Wants chromium, and marked and mermaid in build/node (make check-deps).
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';
import path from 'node:path';

const modules = path.resolve('build/node/node_modules');
const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => {
  try {
    execFileSync(name, ['--version'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
});
if (!chromium || !existsSync(`${modules}/marked`) || !existsSync(`${modules}/mermaid`)) {
  console.log('render-tutorial: skipped: chromium, or marked and mermaid in build/node, are not here');
  process.exit(0);
}
const {marked} = await import(pathToFileURL(`${modules}/marked/lib/marked.esm.js`).href);

const style = `body { font: 16px/1.5 sans-serif; max-width: 860px; margin: 24px; }
  pre { background: #f6f8fa; padding: 12px; overflow-x: auto; font-size: 13px; }
  table { border-collapse: collapse; } td, th { border: 1px solid #d0d7de; padding: 5px 10px; }
  code { background: #f0f2f4; } pre code { background: none; }`;
marked.use({
  renderer: {
    code(code, language) {
      const text = code.replace(/&/g, '&amp;').replace(/</g, '&lt;');
      return language === 'mermaid' ? `<pre class="mermaid">${text}</pre>` : `<pre><code>${text}</code></pre>`;
    },
  },
});

const page = (markdown) => `<!doctype html><meta charset="utf-8"><style>${style}</style>${marked.parse(markdown)}
<script src="${pathToFileURL(`${modules}/mermaid/dist/mermaid.min.js`).href}"></script>
<script>
mermaid.initialize({startOnLoad: false});
mermaid.run().catch((error) => document.body.prepend('Mermaid: ' + error.message)).finally(() => {
  document.documentElement.dataset.height = document.documentElement.scrollHeight;
});
</script>`;

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--allow-file-access-from-files',
  '--virtual-time-budget=30000'];
const run = (...more) => execFileSync(chromium, [...flags, ...more], {stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8', maxBuffer: 1 << 26});

mkdirSync('build/rendered', {recursive: true});
const files = process.argv.slice(2);
for (const file of files.length ? files : ['docs/tutorial.md', 'docs/tutorial.zh-CN.md', 'README.md', 'docs/ARCHITECTURE.md', 'docs/CONCURRENCY.md']) {
  const chapters = readFileSync(file, 'utf8').split(/^(?=<a id="(?:one|two|three|four|five|six)">)/m);
  chapters.forEach((chapter, i) => {
    const base = path.resolve(`build/rendered/${path.basename(file, '.md')}-${i}`);
    writeFileSync(`${base}.html`, page(chapter));
    const url = pathToFileURL(`${base}.html`).href;
    const dom = run('--window-size=920,800', '--dump-dom', url);
    const height = /data-height="(\d+)"/.exec(dom)?.[1] ?? '4000';
    run(`--window-size=920,${height}`, `--screenshot=${base}.png`, url);
    console.log(`${base}.png ${height}`);
  });
}
