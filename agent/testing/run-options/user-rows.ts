import { refuses, shows, type OptionRow } from './row.ts';

/** Who the process is and where it starts. */
/* prettier-ignore */
export const USER_ROWS: readonly OptionRow[] = [
  shows('workdir', 'is made where it is missing', '-w /new/place', 'pwd; stat -c %a,%u .', '/new/place\n755,0'),
  refuses('workdir', 'must be absolute', '-w here', "the working directory 'here' is invalid, it needs to be an absolute path"),
  refuses('workdir', 'cannot be a file', '-w /etc/passwd', 'Cannot mkdir: /etc/passwd is not a directory'),
  shows('user', 'takes a number without an entry', '-u 4321', 'id -u; id -g; echo $HOME', '4321\n0\n/'),
  shows('user', 'takes a name, with its groups', '-u nobody', 'id -un; id -G; echo $HOME', 'nobody\n65534 100\n/home'),
  shows('user', 'takes uid:gid', '-u 7:8', 'id -u; id -G', '7\n8'),
  shows('user', 'takes name:group', '-u nobody:www-data', 'id -un; id -gn; id -G', 'nobody\nwww-data\n33'),
  refuses('user', 'must be there by name', '-u nemo', 'unable to find user nemo: no matching entries in passwd file'),
  refuses('user', 'must have its group by name', '-u 0:nemo', 'unable to find group nemo: no matching entries in group file'),
  refuses('user', 'has its number in range', '-u 4294967296', 'uids and gids must be in range 0-2147483647'),
  shows('user', "has none of root's capabilities", '-u 1', 'grep CapEff /proc/self/status', /\t0{16}$/),
  shows('group-add', 'adds numbers and names', '--group-add 777 --group-add www-data', 'id -G', /^0 (33 777|777 33)$/),
  refuses('group-add', 'knows the names of the image only', '--group-add nemo', 'unable to find group nemo: no matching entries in group file'),
  shows('hostname', 'is the name, and in its files', '-h harbour', 'hostname; cat /etc/hostname; echo $HOSTNAME', 'harbour\nharbour\nharbour'),
  refuses('hostname', 'has no room for more than the kernel takes', `-h ${'h'.repeat(65)}`, /too long|invalid argument|Invalid argument/i),
  shows('domainname', 'is the domain', '-h harbour --domainname sea.test', 'cat /proc/sys/kernel/domainname; hostname; cat /etc/hostname', 'sea.test\nharbour\nharbour.sea.test'),
];
