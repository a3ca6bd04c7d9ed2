import { PostgradError } from "@postgrad/schema";
import { execa } from "execa";

import type { Job } from "./job.ts";
import { isAtLeast, minimumPython, requirementsOf } from "./requirements.ts";

/** One thing that a job needs of this machine. */
export interface Finding {
  readonly name: string;
  /** The version or number that is there; `undefined` where there is none. */
  readonly found: string | undefined;
  readonly needed: string;
  readonly isEnough: boolean;
  /** The command, or the setting, that mends it. */
  readonly remedy: string;
}

/** What Python says of itself: versions by package, and the devices that PyTorch sees. */
interface PythonFacts {
  readonly python: string;
  readonly packages: Readonly<Record<string, string | null>>;
  readonly gpus: number | null;
}

/** Looks for all that `job` needs: Python, packages, GPUs, Slurm. Writes nothing. */
export async function findingsFor(job: Job): Promise<Finding[]> {
  const { config } = job;
  const facts = await pythonFacts(job);
  const findings = facts === undefined ? [noPython(config.python)] : pythonFindings(job, facts);
  return config.slurm ? [...findings, await slurmFinding()] : findings;
}

/** @throws PostgradError `train/trl-machine` that names everything which is not there, each with its remedy. */
export function requireAll(findings: readonly Finding[]): void {
  const missing = findings.filter(({ isEnough }) => !isEnough);
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ name, found, needed, remedy }) =>
      `  ${name}: ${found === undefined ? "not found" : `found ${found}`}, needed ${needed}; ${remedy}`,
  );
  const text = `this machine lacks what training with TRL needs (nothing was written):\n${lines.join("\n")}`;
  throw new PostgradError("train/trl-machine", text);
}

// Slurm's login node seldom has a GPU, hence the devices are asked for only where the training starts here.
const probe = `
import importlib.metadata as metadata, json, platform, sys
def version(name):
    try: return metadata.version(name)
    except metadata.PackageNotFoundError: return None
packages = {name: version(name) for name in sys.argv[2:]}
gpus = None
if sys.argv[1] == "gpus" and packages.get("torch"):
    import torch
    gpus = torch.cuda.device_count()
print(json.dumps({"python": platform.python_version(), "packages": packages, "gpus": gpus}))
`;

async function pythonFacts(job: Job): Promise<PythonFacts | undefined> {
  const { python, gpus, slurm } = job.config;
  const names = requirementsOf(job).map((requirement) => requirement.package);
  const asksGpus = gpus > 0 && !slurm;
  const { failed, stdout } = await execa({
    reject: false,
    stdin: "ignore",
    timeout: 120_000,
  })`${python} -c ${probe} ${asksGpus ? "gpus" : "packages"} ${names}`;
  if (failed) return undefined;
  return JSON.parse(stdout.split("\n").at(-1)!) as PythonFacts;
}

const noPython = (python: string): Finding => ({
  name: python,
  found: undefined,
  needed: `Python ${minimumPython} or later`,
  isEnough: false,
  remedy: 'apt-get install python3 python3-venv, or set "python" to the interpreter that has TRL',
});

function pythonFindings(job: Job, { python, packages, gpus }: PythonFacts): Finding[] {
  const { config } = job;
  const interpreter: Finding = {
    name: config.python,
    found: python,
    needed: `Python ${minimumPython} or later`,
    isEnough: isAtLeast(python, minimumPython),
    remedy: `set "python" to a newer interpreter`,
  };
  const modules = requirementsOf(job).map((requirement): Finding => {
    const found = packages[requirement.package] ?? undefined;
    return {
      name: requirement.package,
      found,
      needed: `${requirement.minimum} or later for ${requirement.use}`,
      isEnough: found !== undefined && isAtLeast(found, requirement.minimum),
      remedy: `${config.python} -m pip install "${requirement.package}>=${requirement.minimum}"`,
    };
  });
  const devices: Finding[] =
    gpus === null
      ? []
      : [
          {
            name: "GPU",
            found: String(gpus),
            needed: `${config.gpus} that PyTorch sees`,
            isEnough: gpus >= config.gpus,
            remedy: `nvidia-smi says what is there; set "gpus" to ${gpus}${gpus === 0 ? ", which trains on the CPU" : ""}`,
          },
        ];
  return [interpreter, ...modules, ...devices];
}

async function slurmFinding(): Promise<Finding> {
  const { failed, stdout } = await execa({
    reject: false,
    stdin: "ignore",
    timeout: 30_000,
  })`sbatch --version`;
  return {
    name: "sbatch",
    found: failed ? undefined : stdout.trim(),
    needed: "Slurm",
    isEnough: !failed,
    remedy: "apt-get install slurm-client, or run on a login node of the cluster",
  };
}
