// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ProofFixture} from "./support/ProofFixture.sol";

/// @notice The open circuit's generated verifier, and proofs that EZKL made: features in the clear, nothing hashed.
contract OpenProofsTest is ProofFixture {
    bytes32 private openModel;

    function setUp() public override {
        super.setUp();
        openModel = _activateOpen();
    }

    function _askOpen(
        uint256[] memory words
    ) private returns (IAIRiskOracle.Request[] memory requests, IAIRiskOracle.Batch memory batch) {
        requests = new IAIRiskOracle.Request[](1);
        vm.prank(borrower);
        uint256 id = oracle.requestAssessment{value: FEE}(_terms(), realNeutral);
        requests[0] = _logged(borrower, borrower, _terms());
        requests[0].dataCommitment = realNeutral;
        batch = IAIRiskOracle.Batch(openModel, new uint256[](1), new bytes32[](1), words);
        batch.requestIds[0] = id;
        batch.blockHashes[0] = keccak256("block");
    }

    function _hand(
        IAIRiskOracle.Request[] memory requests,
        IAIRiskOracle.Batch memory batch,
        bytes memory proof
    ) private {
        oracle.provideBatch(requests, batch, _signatures(oracle.batchDigest(requests, batch)), proof);
    }

    function _refused(
        IAIRiskOracle.Request[] memory requests,
        IAIRiskOracle.Batch memory batch,
        bytes memory proof
    ) private {
        bytes[] memory signatures = _signatures(oracle.batchDigest(requests, batch));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, openModel));
        oracle.provideBatch(requests, batch, signatures, proof);
    }

    function test_proof__when_open__then_the_answer_is_the_committed_circuits() public {
        string[4] memory names = ["low", "medium", "high", "clipped"];
        for (uint256 i = 0; i < 4; ++i) {
            Case memory c = _openCase(names[i]);
            (IAIRiskOracle.Request[] memory requests, IAIRiskOracle.Batch memory batch) = _askOpen(c.instances);
            _hand(requests, batch, c.proof);
            IAIRiskOracle.Assessment memory a = oracle.assessmentOf(batch.requestIds[0]);
            uint256[8] memory found = [
                uint256(a.category),
                a.score,
                a.probabilityOfDefault,
                a.fraudLikelihood,
                a.interestRate,
                a.durationDays,
                a.maximumLtv,
                a.confidence
            ];
            Case memory committed = _case(names[i]);
            for (uint256 j = 0; j < 8; ++j) {
                equal(found[j], c.decoded[j], names[i]);
                equal(found[j], committed.decoded[j], names[i]);
            }
            for (uint256 j = 0; j < 10; ++j) check(c.outputs[j] == committed.outputs[j], "to the bit");
        }
    }

    function test_proof__when_the_signers_vouch_for_other_words__then_it_is_refused() public {
        Case memory c = _openCase("low");
        (IAIRiskOracle.Request[] memory requests, IAIRiskOracle.Batch memory batch) = _askOpen(c.instances);
        for (uint256 i = 0; i < 12; ++i) {
            batch.words[i] += 1;
            _refused(requests, batch, c.proof);
            batch.words[i] -= 1;
        }
        // A feature one smaller, and the next one larger by what it was worth: the digits are bounded, so no such proof.
        batch.words[0] += 2 ** 15 - 1;
        _refused(requests, batch, c.proof);
        batch.words[0] -= 2 ** 15 - 1;
        _hand(requests, batch, c.proof);
    }

    function test_proof__when_of_another_wallet_or_circuit_or_damaged__then_it_is_refused() public {
        Case memory c = _openCase("high");
        (IAIRiskOracle.Request[] memory requests, IAIRiskOracle.Batch memory batch) = _askOpen(c.instances);
        _refused(requests, batch, _openCase("low").proof);
        _refused(requests, batch, _case("high").proof);
        _refused(requests, batch, "");
        for (uint256 at = 0; at < c.proof.length; at += 397) {
            c.proof[at] ^= 0x01;
            _refused(requests, batch, c.proof);
            c.proof[at] ^= 0x01;
        }
        _hand(requests, batch, c.proof);
    }

    function test_proof__when_open_of_outputs_of_another__then_it_is_refused() public {
        Case memory c = _openCase("high");
        Case memory other = _openCase("low");
        for (uint256 i = 2; i < 12; ++i) c.instances[i] = other.instances[i];
        (IAIRiskOracle.Request[] memory requests, IAIRiskOracle.Batch memory batch) = _askOpen(c.instances);
        _refused(requests, batch, c.proof);
        _refused(requests, batch, other.proof);
    }
}
