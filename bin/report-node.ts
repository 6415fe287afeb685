/** Runs after `npm ci`: says in one line which Node the scripts use, if the shell's own is older than they need. */
const SUPPORTED = 22;

const own = /\bnode\/v(\d+)\S*/.exec(process.env['npm_config_user_agent'] ?? '');
if (own && Number(own[1]) < SUPPORTED)
  console.log(
    `Your shell has Node ${own[0].slice('node/v'.length)}. The npm scripts run with Node ${process.versions.node}, which was installed into node_modules; the installed package needs Node ${SUPPORTED}.18 or newer.`,
  );
