// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {Field} from "../../contracts/lib/Field.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// @notice An open model whose proofs answer four requests, and the steps of a batch.
abstract contract BatchFixture is OracleFixture {
    bytes32 internal constant OPEN = keccak256("open model");
    uint8 internal constant ROWS = 4;

    /// @dev What is handed in together.
    struct Handed {
        IAIRiskOracle.Request[] requests;
        IAIRiskOracle.Batch batch;
        bytes[] signatures;
        bytes proof;
    }

    function _activateOpen(IModelRegistry.Statement statement) internal {
        _activate(OPEN, _openSpec(statement));
    }

    function _openSpec(
        IModelRegistry.Statement statement
    ) internal view returns (IModelRegistry.ModelSpec memory spec) {
        spec = _spec(address(verifier));
        spec.batchSize = ROWS;
        spec.statement = statement;
    }

    // ------------------------------------------------------------- words

    /// @dev Ten outputs as their words: each a field element, or all packed in one.
    function _outputWords(
        int256[] memory outputs,
        IModelRegistry.Statement statement
    ) internal pure returns (uint256[] memory words) {
        bool packed = statement == IModelRegistry.Statement.OpenPacked;
        words = new uint256[](packed ? 1 : 10);
        for (uint256 i = 0; i < 10; ++i) {
            if (packed) words[0] |= uint256(outputs[i] + 2 ** 22) << (23 * i);
            else words[i] = outputs[i] < 0 ? Field.MODULUS - uint256(-outputs[i]) : uint256(outputs[i]);
        }
    }

    /// @dev The words of a proof whose rows have these outputs, whoever's features stand in it.
    function _words(
        int256[][] memory outputs,
        IModelRegistry.Statement statement
    ) internal pure returns (uint256[] memory words) {
        uint256 each = statement == IModelRegistry.Statement.OpenPacked ? 1 : 10;
        words = new uint256[]((2 + each) * ROWS);
        for (uint256 row = 0; row < ROWS; ++row) {
            words[2 * row] = 1 + row;
            words[2 * row + 1] = uint256(512) << (15 * row);
            uint256[] memory own = _outputWords(outputs[row], statement);
            for (uint256 i = 0; i < each; ++i) words[2 * ROWS + each * row + i] = own[i];
        }
    }

    function _lowRows() internal pure returns (int256[][] memory outputs) {
        outputs = new int256[][](ROWS);
        for (uint256 row = 0; row < ROWS; ++row) {
            outputs[row] = _lowOutputs();
            outputs[row][3] += int256(row); // each row another score
        }
    }

    // ----------------------------------------------------------- batches

    /// @dev Several wallets ask about themselves.
    function _askMany(
        uint256 count
    ) internal returns (IAIRiskOracle.Request[] memory requests, uint256[] memory requestIds) {
        requests = new IAIRiskOracle.Request[](count);
        requestIds = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            address user = address(uint160(0xB000 + i));
            vm.deal(user, 1 ether);
            vm.prank(user);
            requestIds[i] = oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
            requests[i] = _logged(user, user, _terms());
        }
    }

    /// @dev Proven and signed as the operator does it.
    function _made(
        IAIRiskOracle.Request[] memory requests,
        uint256[] memory requestIds,
        uint256[] memory words
    ) internal returns (Handed memory handed) {
        bytes32[] memory blockHashes = new bytes32[](requests.length);
        for (uint256 i = 0; i < requests.length; ++i) blockHashes[i] = keccak256(abi.encode("block", i));
        handed.requests = requests;
        handed.batch = IAIRiskOracle.Batch(OPEN, requestIds, blockHashes, words);
        handed.proof = abi.encode("proof of", requestIds, words);
        verifier.list(handed.proof, words);
        _sign(handed);
    }

    function _sign(Handed memory handed) internal view {
        handed.signatures = _signatures(oracle.batchDigest(handed.requests, handed.batch));
    }

    function _hand(Handed memory handed) internal returns (uint256 answered) {
        return oracle.provideBatch(handed.requests, handed.batch, handed.signatures, handed.proof);
    }
}
