/** The frame of every page. */
import { html, trusted, type Content, type Html } from './html.ts'
import { style, styleHash } from './style.ts'

export interface Page {
  title: string
  /** What the corpus is called: its folder or its namespace. */
  corpus: string
  /** How much of it is simulated. */
  simulated: 'all' | 'some' | 'none'
  body: Content
  footer: Content
}

const warnings = {
  all: 'Simulated: all of this was made with the simulated endpoint. Nothing here is for training.',
  some: 'Some of this was made with the simulated endpoint and is marked as simulated: it is not for training.',
} as const

/** A whole page that loads nothing: the style sheet is in it. */
export function selfContained(page: Page): string {
  const policy = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'`
  return documentOf(
    page,
    html`<meta http-equiv="Content-Security-Policy" content="${policy}">
<style>${trusted(style)}</style>`,
    html`<span class="brand">Wellspring</span>`,
  )
}

/** A page of the server, which has the style sheet at this path. */
export function served(page: Page, stylePath: string): string {
  return documentOf(
    page,
    html`<link rel="stylesheet" href="${stylePath}">`,
    html`<a class="brand" href="/">Wellspring</a>`,
  )
}

function documentOf({ title, corpus, simulated, body, footer }: Page, head: Html, brand: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${head}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title} - Wellspring</title>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">${simulated !== 'none' && html`<p class="warning" role="note">${warnings[simulated]}</p>`}
<div>${brand} <span class="place"><bdi>${corpus}</bdi></span></div></header>
<main id="content">
${body}
</main>
<footer><div>${footer}</div></footer>
</body>
</html>
`.markup
}
