/**
 * Command that sends one router advertisement to all nodes on a link: a /64 of which addresses shall be made, and itself as the default
 * router. Perl, as Node has no raw sockets and every Debian has perl; the kernel fills in source and checksum.
 * @param index of the interface, where it is run
 * @param prefix `fd00:bad::`
 */
export function advertise(index: number, prefix: string): readonly string[] {
  const options = { icmpv6: 58, ipv6: 41, multicastHops: 18 };
  const script = `
    use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
    socket(my $s, AF_INET6, SOCK_RAW, ${options.icmpv6}) or die "socket: $!";
    setsockopt($s, ${options.ipv6}, ${options.multicastHops}, pack('i', 255)) or die "hops: $!";
    my $head = pack('CCnCCnNN', 134, 0, 0, 64, 0, 1800, 0, 0);
    my $option = pack('CCCCNNN', 3, 4, 64, 0xc0, 86400, 14400, 0) . inet_pton(AF_INET6, '${prefix}');
    send($s, $head . $option, 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), ${index})) or die "send: $!";`;
  return ['perl', '-e', script];
}
