/** The page before its script draws: it is all that a browser without scripts sees. */
export const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Night shift</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<script type="module" src="/client.js"></script>
</head>
<body>
<div id="app"><main><h1>Night shift</h1><p>Asking the environments …</p>
<noscript><p>This page is drawn by its script. Without scripts, <code>nightshift status</code> says the same.</p></noscript>
</main></div>
</body>
</html>
`;
