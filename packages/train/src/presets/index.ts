import { contrastiveAlpacaA } from "./contrastive-alpaca-a.ts";
import { contrastiveAlpacaB } from "./contrastive-alpaca-b.ts";
import { contrastiveAlpacaC } from "./contrastive-alpaca-c.ts";
import { contrastiveAlpacaC3 } from "./contrastive-alpaca-c3.ts";
import { contrastiveAlpacaDpo } from "./contrastive-alpaca-d-dpo.ts";
import { contrastiveAlpacaSlic } from "./contrastive-alpaca-d-slic.ts";
import { contrastiveOrcaDpo } from "./contrastive-orca-dpo.ts";
import { orca25 } from "./orca2-5.ts";
import { orca2Stage1 } from "./orca2-stage-1.ts";
import { orca2Stage2 } from "./orca2-stage-2.ts";
import { orca2Stage3 } from "./orca2-stage-3.ts";
import { orca3 } from "./orca3.ts";
import type { Preset } from "./preset.ts";
import { skipdecode } from "./skipdecode.ts";
import { sphinxLora } from "./sphinx-lora.ts";
import { sphinx } from "./sphinx.ts";

/** Every recipe. Adding one is a file beside this and a line here. */
export const presets: readonly Preset[] = [
  orca2Stage1,
  orca2Stage2,
  orca2Stage3,
  orca25,
  orca3,
  sphinx,
  sphinxLora,
  contrastiveAlpacaA,
  contrastiveAlpacaB,
  contrastiveAlpacaC,
  contrastiveAlpacaC3,
  contrastiveAlpacaDpo,
  contrastiveAlpacaSlic,
  contrastiveOrcaDpo,
  skipdecode,
];
