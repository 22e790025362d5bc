// A certified OpenID provider as our tests need it: strict, quick to start, and with a side for the test (control.mjs).
//
// It prints one line of JSON, {"issuer": …, "control": …}, and ends when its standard input does. All settings come from
// the environment:
//   PORT                      the port on 127.0.0.1; 0 or nothing: any
//   PROVIDER_CLIENT_SECRET    the secret of the clients `confidential`, `confidential-post`, `service` and `api`
//   PROVIDER_AWKWARD_SECRET   the secret of the client whose id is awkward too
//   PROVIDER_PASSWORD         the password of every user
//   PROVIDER_ACCESS_TTL, PROVIDER_REFRESH_TTL, PROVIDER_DEVICE_TTL, PROVIDER_CODE_TTL   lives in seconds
//   PROVIDER_INTERVAL         the `interval` of device codes; whoever polls faster is told to slow down
//   PROVIDER_HOST             the host that its issuer names; 127.0.0.1
//   PROVIDER_TLS_CERT, PROVIDER_TLS_KEY   PEM files; with them the issuer speaks TLS, and the control side does not
import { generateKeyPair } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { control, record } from './control.mjs';
import { memory } from './memory.mjs';

// What it says of settings that are right for tests is of no use, and its first line is ours.
console.info = console.warn = () => {};

const home = fileURLToPath(new URL('../../target/provider/', import.meta.url));
const installed = (name) => import(pathToFileURL(createRequire(home).resolve(name)));
const { Provider, errors } = await installed('oidc-provider').catch(() => {
  console.error('oidc-provider is needed for this test: bash scripts/provider');
  process.exit(1);
});

const env = (name, otherwise) => process.env[`PROVIDER_${name}`] ?? otherwise;
const secret = env('CLIENT_SECRET', 'client-secret');
const password = env('PASSWORD', 'password');
const lives = {
  AccessToken: Number(env('ACCESS_TTL', 3600)),
  ClientCredentials: Number(env('ACCESS_TTL', 3600)),
  RefreshToken: Number(env('REFRESH_TTL', 86400)),
  DeviceCode: Number(env('DEVICE_TTL', 600)),
  AuthorizationCode: Number(env('CODE_TTL', 60)),
  IdToken: 3600,
  Grant: 86400,
  Session: 86400,
  Interaction: 3600,
};

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const browser = { redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'], application_type: 'native' };
const headless = { redirect_uris: [], response_types: [] };
const hidden = (id, more) => ({ client_id: id, client_secret: secret, ...more });
const open = (id, more) => ({ client_id: id, token_endpoint_auth_method: 'none', ...more });
const everything = ['authorization_code', 'refresh_token', 'client_credentials', 'password', device];
const clients = [
  hidden('confidential', { ...browser, grant_types: everything }),
  hidden('confidential-post', { ...browser, token_endpoint_auth_method: 'client_secret_post', grant_types: everything }),
  // RFC 6749, 2.3.1: both are form-urlencoded before they are joined. It allows no other than ASCII.
  hidden('awkward: 100%+ "&=', {
    ...headless, client_secret: env('AWKWARD_SECRET', 'a:b%c+d e&"='), grant_types: ['client_credentials', 'password'],
  }),
  hidden('service', { ...headless, grant_types: ['client_credentials'] }),
  hidden('api', { ...headless, grant_types: ['client_credentials'] }),
  open('public', { ...browser, grant_types: ['authorization_code', 'refresh_token'] }),
  open('device', { ...headless, grant_types: [device, 'refresh_token'] }),
  // The client of the MAX way: a user's name and password, no secret of its own.
  open('MAX', { ...headless, grant_types: ['password', 'refresh_token'] }),
];

/** A JWT for whoever names an audience, or asks for `token_type=jwt`. */
const resources = {
  enabled: true,
  defaultResource: (ctx, _client, oneOf) => {
    const asked = ctx.oidc.body ?? {};
    if (asked.audience) return new URL(asked.audience, `${ctx.oidc.issuer}/`).href;
    if (asked.token_type === 'jwt') return `${ctx.oidc.issuer}/-/resource`;
    return oneOf;
  },
  getResourceServerInfo: (_ctx, resource) => ({
    scope: 'read write profile',
    audience: resource,
    accessTokenTTL: lives.AccessToken,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  }),
  useGrantedResource: () => true,
};

/** Keys of its own for each start: RS256 signs, ES256 is published beside it. */
async function keys() {
  const make = promisify(generateKeyPair);
  const pairs = await Promise.all([make('rsa', { modulusLength: 2048 }), make('ec', { namedCurve: 'P-256' })]);
  const jwk = (pair, kid, alg) => ({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  return { keys: [jwk(pairs[0], 'rsa', 'RS256'), jwk(pairs[1], 'ec', 'ES256')] };
}

const configuration = (jwks) => ({
  adapter: memory(() => { throw new errors.InvalidGrant('refresh token already used'); }),
  clients,
  clockTolerance: 0,
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
  cookies: { keys: ['a key for tests'] },
  expiresWithSession: () => false,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
    resourceIndicators: resources,
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    userinfo: { enabled: true },
  },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: `The user ${sub}`, preferred_username: sub, email: `${sub}@example.com` }),
  }),
  interactions: { url: (_ctx, interaction) => `/-/interaction/${interaction.uid}` },
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  jwks,
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'profile', 'email', 'read', 'write', 'widgetcli'],
  ttl: lives,
});

/** RFC 6749, 4.3, by the provider's extension point. The fields beside it are those that other servers know. */
function password_grant(provider) {
  const fields = ['username', 'password', 'scope', 'bypass', 'token_type', 'audience'];
  provider.registerGrantType('password', async (ctx) => {
    const { client, params } = ctx.oidc;
    if (!params.username || params.password !== password) {
      throw new errors.InvalidGrant('invalid username or password');
    }
    const grant = new provider.Grant({ accountId: params.username, clientId: client.clientId });
    const scope = [...ctx.oidc.requestParamOIDCScopes].join(' ');
    grant.addOIDCScope(scope);
    const given = { accountId: params.username, client, grantId: await grant.save(), gty: 'password', scope };
    const access = new provider.AccessToken(given);
    ctx.oidc.entity('Client', client);
    ctx.body = { access_token: await access.save(), expires_in: access.expiration, token_type: 'Bearer', scope };
    if (client.grantTypeAllowed('refresh_token')) {
      const refresh = new provider.RefreshToken({ ...given, rotations: 0, authTime: Math.floor(Date.now() / 1000) });
      ctx.body.refresh_token = await refresh.save();
    }
  }, fields);
}

/** RFC 8628, 3.5: it tells its interval, and whoever polls faster to slow down. */
function pace(provider, interval) {
  const polled = new Map();
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200) ctx.body.interval = interval;
    if (ctx.oidc?.route !== 'token' || ctx.body?.error !== 'authorization_pending') return;
    const code = ctx.oidc.params.device_code;
    const { last = -Infinity, gap = interval } = polled.get(code) ?? {};
    const early = performance.now() - last < gap * 1000;
    polled.set(code, { last: performance.now(), gap: early ? gap + 5 : gap });
    if (early) ctx.body = { error: 'slow_down', error_description: 'polled too fast' };
  });
}

const certificate = env('TLS_CERT');
/** Every token can be found wherever it is printed. */
function canaries(provider) {
  for (const kind of ['AccessToken', 'ClientCredentials', 'RefreshToken', 'DeviceCode', 'AuthorizationCode']) {
    const { prototype } = provider[kind];
    const { generateTokenId } = prototype;
    prototype.generateTokenId = function canary() {
      return `CNRY-${kind}-${generateTokenId.call(this)}`;
    };
  }
}

const listen = (server, port) => new Promise((listening) => server.listen(port, '127.0.0.1', listening));
const server = certificate
  ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(env('TLS_KEY')) })
  : http.createServer();
await listen(server, Number(process.env.PORT ?? 0));
const { port } = server.address();
const issuer = `${certificate ? 'https' : 'http'}://${env('HOST', '127.0.0.1')}:${port}`;
// What commands it speaks no TLS.
const plain = certificate ? http.createServer() : server;
if (certificate) await listen(plain, 0);

const jwks = await keys();
const provider = new Provider(issuer, configuration(jwks));
const { jwtVerify, createLocalJWKSet } = await installed('jose');
const known = createLocalJWKSet({ keys: jwks.keys.map(({ d, p, q, dp, dq, qi, ...open }) => open) });
const verify = async (token) => (await jwtVerify(token, known, { issuer, typ: 'at+jwt' })).payload;

password_grant(provider);
if (env('INTERVAL')) pace(provider, Number(env('INTERVAL')));
record(provider);
canaries(provider);
const handle = control(provider, provider.callback(), verify);
new Set([server, plain]).forEach((one) => one.on('request', handle));

process.stdin.resume().on('end', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ issuer, control: `127.0.0.1:${plain.address().port}` })}\n`);
