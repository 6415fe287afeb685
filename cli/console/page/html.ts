/** The page before its script renders it; a browser without scripts shows only this. */
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
<div id="app"><main><h1>Night shift</h1><p>Loading the environments …</p>
<noscript><p>This page needs JavaScript. <code>nightshift status</code> shows the same in a terminal.</p></noscript>
</main></div>
</body>
</html>
`;
