// A project, and a host that its programs reach: a server of its own.
import { Project } from "./project.ts";
import { type Sshd, startSshd } from "./sshd.ts";

export interface Host {
  readonly sshd: Sshd;
  readonly project: Project;
}

/** Its programs have the way to the host as `connection`, and its folder as $FOLDER. */
export async function startHost(): Promise<Host> {
  const sshd = await startSshd();
  const { port, user, hostKey, privateKey, folder } = sshd;
  const connection = {
    host: "127.0.0.1",
    port,
    user,
    hostKey,
    privateKey,
    dialErrorLimit: 0,
    perDialTimeout: 5,
  };
  const project = await Project.create({ CONNECTION: JSON.stringify(connection), FOLDER: folder });
  return { sshd, project };
}

export async function endHost({ sshd, project }: Host): Promise<void> {
  await project.remove();
  await sshd.stop();
}

/** A command on the host, as a line of a program. */
export function command(name: string, connection: string, rest = 'create: "echo reached"'): string {
  return `new remote.Command("${name}", { connection: ${connection}, ${rest} });\n`;
}
