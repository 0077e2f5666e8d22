/** The one style sheet of all pages: system fonts, light and dark by the reader's choice, no file to load. */
import { createHash } from 'node:crypto'

export const style = `
:root{color-scheme:light dark;
--ground:#f6f7f9;--surface:#fff;--raised:#eef1f5;--ink:#1a2230;--soft:#556070;--line:#d9dee6;--accent:#0b5cad;--accent-soft:#dceafa;
--good:#176b3a;--good-soft:#dcf3e4;--bad:#a32020;--bad-soft:#fbe4e4;--warn:#7a4b00;--warn-soft:#fdeecd;--idle:#4a5566;--idle-soft:#e6e9ee;
--bar:#3f7fc4;--bar-good:#2f9a5c;--bar-bad:#cf5a5a;--bar-idle:#9aa5b4}
@media (prefers-color-scheme:dark){:root{
--ground:#12161c;--surface:#1a2028;--raised:#232b36;--ink:#e7ecf3;--soft:#a3afbf;--line:#333d4a;--accent:#7db8f5;--accent-soft:#1d344e;
--good:#7fdca3;--good-soft:#17382a;--bad:#ff9d9d;--bad-soft:#472226;--warn:#f3c56b;--warn-soft:#40320f;--idle:#b9c3d0;--idle-soft:#2c3541;
--bar:#5c9ee0;--bar-good:#4fbf80;--bar-bad:#e27878;--bar-idle:#66727f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
a{color:var(--accent);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,input:focus-visible,select:focus-visible,button:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--surface);padding:.4rem .8rem;z-index:2}
header.top{background:var(--surface);border-bottom:1px solid var(--line)}
.top>div,main,footer>div{max-width:70rem;margin:0 auto;padding:.8rem 1rem}
.top>div{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:baseline}
.brand{font-weight:700;color:var(--ink);text-decoration:none;letter-spacing:.01em}
.place{color:var(--soft);font-size:.9rem}
.warning{margin:0;background:var(--warn-soft);color:var(--warn);border-bottom:1px solid var(--line);text-align:center;padding:.4rem 1rem;font-weight:600;font-size:.92rem}
footer{color:var(--soft);font-size:.85rem;border-top:1px solid var(--line);margin-top:2rem}
h1{font-size:1.45rem;line-height:1.25;margin:.6rem 0 .6rem}
h2{font-size:1.13rem;margin:2rem 0 .6rem;line-height:1.3}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
section>h2:first-child{margin-top:0}
p{margin:.5rem 0}
section,.card{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:1rem 1.1rem;margin:1rem 0}
section section{padding:.8rem .9rem;margin:.7rem 0;border-radius:8px}
.soft,.cut{color:var(--soft)}.small{font-size:.88rem}.cut{font-size:.88rem;font-style:italic}
.mono,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.87em}
pre{margin:.5rem 0;padding:.6rem .8rem;background:var(--raised);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;contain:paint;line-height:1.45}
code{background:var(--raised);border-radius:4px;padding:.05em .3em}pre code{background:none;padding:0;font-size:1em}
pre.tight{min-width:8rem;padding:.3rem .5rem;margin:0}
.prose{white-space:pre-wrap;contain:paint;unicode-bidi:isolate;overflow:hidden;padding:.1rem 0}
.prose p{margin:.55rem 0}.prose pre{margin:.6rem 0}
.statement{font-size:1.06rem}
.formula.display{display:block;overflow-x:auto;overflow-y:hidden;padding:.2rem 0;white-space:normal}
.formula{white-space:normal}
bdi{unicode-bidi:isolate}
.badge{display:inline-block;font-size:.8rem;line-height:1.35;font-weight:600;padding:.1em .55em;border-radius:99px;background:var(--idle-soft);color:var(--idle);white-space:nowrap;max-width:100%;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}
.badge.good{background:var(--good-soft);color:var(--good)}.badge.bad{background:var(--bad-soft);color:var(--bad)}.badge.warn{background:var(--warn-soft);color:var(--warn)}
.badges{display:flex;flex-wrap:wrap;gap:.35rem;margin:.4rem 0}
.why{border-left:5px solid var(--bar-idle);background:var(--surface);padding:.7rem 1rem;border-radius:6px;margin:.8rem 0;font-size:1.03rem;unicode-bidi:isolate;contain:paint}
.why.good{border-color:var(--bar-good)}.why.bad{border-color:var(--bar-bad)}.why.warn{border-color:var(--warn)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.35rem .6rem .35rem 0;overflow-wrap:break-word;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:.85rem}
tbody th{min-width:7rem;font-weight:500;color:var(--ink);font-size:inherit}
tr:last-child>*{border-bottom:0}
td.number,th.number{text-align:right;padding-left:.6rem;font-variant-numeric:tabular-nums;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
.bars th{width:34%;overflow-wrap:anywhere}.bars td.bar{width:45%;min-width:5rem;vertical-align:middle}
.bars svg,.columns svg{display:block;width:100%}
.bars svg{height:.85rem;border-radius:3px;background:var(--raised)}
rect{fill:var(--bar)}rect.good{fill:var(--bar-good)}rect.bad{fill:var(--bar-bad)}rect.idle{fill:var(--bar-idle)}
polyline{fill:none;stroke:var(--bar);stroke-width:2;vector-effect:non-scaling-stroke}
figure{margin:.8rem 0}figcaption{font-size:.9rem;color:var(--soft);margin-bottom:.4rem}
.columns svg{height:9rem;border-bottom:1px solid var(--soft);background:linear-gradient(var(--line),var(--line)) 0 50%/100% 1px no-repeat}
.axis{display:flex;justify-content:space-between;gap:.5rem;font-size:.8rem;color:var(--soft)}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem;color:var(--soft)}
.columns .key svg{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;border:0;border-radius:2px;background:none;vertical-align:-.05rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.7rem;margin:1rem 0;padding:0;list-style:none}
.tiles li{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:.7rem .9rem}
.tiles strong{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums;line-height:1.2}
.tiles span{color:var(--soft);font-size:.85rem}
.contents{columns:12rem auto;padding-left:1.1rem;margin:.4rem 0}
details{margin:.5rem 0}
summary{cursor:pointer;padding:.25rem 0;font-weight:500}
details.row{border-top:1px solid var(--line);margin:0}details.row>summary{padding:.55rem 0}
details[open]>summary{margin-bottom:.3rem}
.facts{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.25rem .9rem;margin:.5rem 0}
.facts dt{color:var(--soft)}.facts dd{margin:0;min-width:0}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;padding:0;margin:.5rem 0}
.chips a,.chips span{display:inline-block;padding:.15rem .6rem;border-radius:99px;background:var(--accent-soft);color:var(--ink);text-decoration:none;font-size:.9rem;contain:paint}
.chips a:hover{text-decoration:underline}
form.search{display:grid;gap:.6rem;margin:.6rem 0}
form.search .fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(10rem,1fr));gap:.6rem}
label{display:grid;gap:.15rem;font-size:.85rem;color:var(--soft)}
input,select,button{font:inherit;color:var(--ink);background:var(--surface);border:1px solid var(--bar-idle);border-radius:6px;padding:.4rem .55rem;min-width:0;width:100%}
button{background:var(--accent);color:var(--surface);border-color:var(--accent);font-weight:600;cursor:pointer}
.line{display:grid;grid-template-columns:1fr auto;gap:.6rem;align-items:end}
.problems{list-style:none;padding:0;margin:.6rem 0}
.problems li{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem;margin:.45rem 0;contain:paint}
.problems a.title{display:block;color:var(--ink);text-decoration:none;unicode-bidi:isolate}
.problems a.title:hover{text-decoration:underline}
.problems .meta{display:flex;flex-wrap:wrap;gap:.25rem .7rem;align-items:center;font-size:.83rem;color:var(--soft);margin-top:.3rem}
.pages{display:flex;flex-wrap:wrap;gap:.8rem;align-items:center;justify-content:space-between;margin:1rem 0}
.pages a{padding:.35rem .8rem;border:1px solid var(--line);border-radius:6px;background:var(--surface);text-decoration:none}
.tree,.tree ul{list-style:none;padding-left:1rem;margin:.2rem 0;border-left:2px solid var(--line)}
.tree{padding-left:.8rem}.tree li{margin:.35rem 0}
.hljs-comment{color:var(--soft);font-style:italic}.hljs-keyword,.hljs-literal,.hljs-type{color:var(--accent)}.hljs-string,.hljs-regexp{color:var(--good)}.hljs-number,.hljs-symbol{color:var(--warn)}.hljs-built_in,.hljs-meta{color:var(--accent)}.hljs-title{font-weight:600}
@media (max-width:34rem){section,.card{padding:.8rem .8rem;border-radius:8px}.top>div,main,footer>div{padding:.7rem .7rem}.facts{grid-template-columns:1fr;gap:0 0}.facts dd{margin-bottom:.35rem}.bars td.bar{width:25%;min-width:3.5rem}.bars th{min-width:6rem}.line{grid-template-columns:1fr}h1{font-size:1.25rem}}
`
  .trim()
  .replaceAll('\n', '')

/** What a content security policy names the style sheet by. */
export const styleHash = `sha256-${createHash('sha256').update(style).digest('base64')}`
