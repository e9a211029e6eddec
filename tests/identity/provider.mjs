// An identity provider: node-oidc-provider with one resource server, whose address is given. It prints its own.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, resource, callback, page] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('oidc-provider')));
const scopes = 'tasks:read tasks:write tasks:destructive';
const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const described = {
    jwt: { scope: scopes, audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg: 'RS256' } } },
    opaque: { scope: scopes, audience: resource, accessTokenFormat: 'opaque', accessTokenTTL: 3600 },
  };
  const client = (id) => ({
    client_id: id, application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [callback],
    grant_types: ['authorization_code'], response_types: ['code'], scope: `openid ${scopes}`,
  });
  const web = (id, subjects) => ({
    client_id: id, client_secret: 'a/secret-of-the-page', redirect_uris: [page], grant_types: ['authorization_code'],
    response_types: ['code'], scope: 'openid tasks:read', subject_type: subjects,
  });
  const provider = new Provider(issuer, {
    clients: [
      client('desk'), client('opaque'),
      web('page', 'public'), web('pairwise', 'pairwise'),
      { client_id: 'taskhand', client_secret: 'a/secret-of-the-server', redirect_uris: [], response_types: [], grant_types: [] },
    ],
    scopes: ['openid', ...scopes.split(' ')],
    claims: { openid: ['sub'] },
    pkce: { required: () => true },
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (ctx, id, client) => `${id}-at-${client.clientId}`,
    cookies: { keys: ['test'] },
    extraTokenClaims: (ctx, token) => ({ email: `${token.accountId}@x.test`, email_verified: true, groups: ['sales'] }),
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx) => described[ctx.oidc.client.clientId] ?? described.jwt,
      },
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
