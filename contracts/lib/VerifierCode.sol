// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IModelRegistry} from "../interfaces/IModelRegistry.sol";

/// @title What a verifier's code must not do: run other code than itself, or vanish and make room for other
library VerifierCode {
    uint256 private constant PUSH1 = 0x60;
    uint256 private constant PUSHES = 32;
    uint256 private constant JUMPDEST = 0x5b;

    // One bit for each opcode.
    /// @dev CALLCODE, DELEGATECALL, SELFDESTRUCT.
    uint256 private constant FORBIDDEN = (1 << 0xf2) | (1 << 0xf4) | (1 << 0xff);

    /// @dev STOP, JUMP, RETURN, REVERT, INVALID: what follows runs only from a JUMPDEST on. Behind the last of them stand the
    /// compiler's metadata, which are no code.
    uint256 private constant ENDS = (1 << 0x00) | (1 << 0x56) | (1 << 0xf3) | (1 << 0xfd) | (1 << 0xfe);

    uint256 private constant WATCHED = FORBIDDEN | ENDS | (1 << JUMPDEST);

    /// @notice Revert if an instruction that can be reached is CALLCODE, DELEGATECALL or SELFDESTRUCT.
    function check(address verifier) internal view {
        bytes memory code = verifier.code;
        uint256 length = code.length;
        bool reachable = true;
        unchecked {
            for (uint256 i = 0; i < length; ++i) {
                uint256 opcode;
                assembly ("memory-safe") {
                    opcode := byte(0, mload(add(add(code, 0x20), i)))
                }
                // Below PUSH1 it wraps around to a large number.
                if (opcode - PUSH1 < PUSHES) {
                    i += opcode - PUSH1 + 1;
                    continue;
                }
                if ((WATCHED >> opcode) & 1 == 0) continue;
                if (opcode == JUMPDEST) {
                    reachable = true;
                } else if (reachable) {
                    if ((FORBIDDEN >> opcode) & 1 == 1)
                        revert IModelRegistry.VerifierRunsOtherCode(verifier, i, uint8(opcode));
                    reachable = false;
                }
            }
        }
    }
}
