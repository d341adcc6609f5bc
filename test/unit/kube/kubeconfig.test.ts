import { describe, expect, it } from 'vitest';
import { KubeconfigError, readContext } from '../../../src/kube/calls/kubeconfig.ts';

const config = (cluster: object, user: object) => ({
  'current-context': 'main',
  contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
  users: [{ name: 'u', user }],
});

describe('kubeconfig', () => {
  it('data takes precedence over files, relative files start at the kubeconfig', () => {
    const ca = Buffer.from('CA').toString('base64');
    const context = readContext(
      config(
        { 'certificate-authority': 'ca.pem', 'certificate-authority-data': ca },
        { 'client-certificate': 'a/b.pem' },
      ),
      '/etc/multinic/kubeconfig',
    );
    expect(context.ca).toEqual({ data: 'CA' });
    expect(context.user.cert).toEqual({ file: '/etc/multinic/a/b.pem' });
    expect(context.skipTLSVerify).toBe(false);
  });

  it('a token file takes precedence over a token', () => {
    expect(readContext(config({}, { token: 't', tokenFile: '/run/token' }), '/x').user.token).toEqual({
      file: '/run/token',
    });
    expect(readContext(config({}, { token: 't' }), '/x').user.token).toEqual({ data: 't' });
  });

  it('marks users that only a program can vouch for', () => {
    expect(readContext(config({}, { exec: { command: 'login' } }), '/x').user.external).toBe(true);
    expect(readContext(config({}, {}), '/x').user.external).toBe(false);
  });

  it.each([
    [{}, 'no current-context'],
    [{ 'current-context': 'x' }, 'contexts has no "x"'],
    [{ ...config({}, {}), clusters: [] }, 'clusters has no "c"'],
    [{ ...config({}, {}), users: [] }, 'users has no "u"'],
    [config({ server: undefined }, {}), 'has no server'],
    [config({ 'proxy-url': 'http://p' }, {}), 'proxy-url is not supported'],
    [null, 'no current-context'],
  ])('says what is wrong: %j', (broken, message) => {
    expect(() => readContext(broken, '/etc/kubeconfig')).toThrow(KubeconfigError);
    expect(() => readContext(broken, '/etc/kubeconfig')).toThrow(message);
    expect(() => readContext(broken, '/etc/kubeconfig')).toThrow('/etc/kubeconfig');
  });
});
