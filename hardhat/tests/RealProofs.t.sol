// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {Field} from "../contracts/lib/Field.sol";
import {ProofFixture} from "./support/ProofFixture.sol";

/// @notice The oracle against the generated verifier and proofs that EZKL made.
contract RealProofsTest is ProofFixture {
    function test_proof__when_real__then_the_stored_numbers_are_what_python_decodes() public {
        string[5] memory names = ["low", "medium", "high", "private", "clipped"];
        for (uint256 i = 0; i < 5; ++i) {
            Case memory c = _case(names[i]);
            (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
            _provide(request, report, c.proof);
            IAIRiskOracle.Assessment memory a = oracle.assessmentOf(report.requestId);
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
            for (uint256 j = 0; j < 8; ++j) equal(found[j], c.decoded[j], names[i]);
        }
    }

    function test_samples__when_made__then_they_reach_each_category_and_the_clip_limits() public view {
        equal(_case("low").decoded[0], 0, "low");
        equal(_case("medium").decoded[0], 1, "medium");
        equal(_case("high").decoded[0], 2, "high");
        Case memory clipped = _case("clipped");
        bool negative;
        bool zero;
        bool full;
        for (uint256 i = 0; i < 10; ++i) {
            if (clipped.outputs[i] < 0) negative = true;
            if (i > 2 && clipped.outputs[i] == 0) zero = true;
            if (i > 2 && clipped.decoded[i - 2] == (i == 7 ? 365 : 10_000)) full = true;
        }
        check(negative && zero && full, "a negative margin, a zero and a full scale");
        check(_case("private").instances[1] != _case("low").instances[1], "private data has its own commitment");
    }

    function test_proof__when_an_output_differs_by_one__then_it_is_refused() public {
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        for (uint256 i = 0; i < 10; ++i) {
            report.outputs[i] += 1;
            _refused(request, report, c.proof);
            report.outputs[i] -= 2;
            _refused(request, report, c.proof);
            report.outputs[i] += 1;
        }
        report.featureCommitment -= 1;
        _refused(request, report, c.proof);
        report.featureCommitment += 1;
        _provide(request, report, c.proof);
    }

    function test_proof__when_of_other_private_data__then_it_is_refused() public {
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        Case memory other = _case("private");
        report.outputs = other.outputs;
        report.featureCommitment = other.instances[0];
        _refused(request, report, other.proof);
    }

    function test_proof__when_of_another_wallet__then_it_is_refused() public {
        Case memory c = _case("high");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        Case memory other = _case("low");
        report.outputs = other.outputs;
        _refused(request, report, other.proof);
        _refused(request, report, c.proof);
    }

    function test_proof__when_any_byte_differs__then_it_is_refused(uint256 position, uint8 difference) public {
        vm.assume(difference != 0);
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        position = position % c.proof.length;
        c.proof[position] = bytes1(uint8(c.proof[position]) ^ difference);
        _refused(request, report, c.proof);
    }

    function test_proof__when_shorter_or_longer__then_it_is_refused() public {
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        _refused(request, report, "");
        _refused(request, report, bytes.concat(c.proof, hex"00"));
        _refused(request, report, bytes.concat(c.proof, c.proof));
        bytes memory proof = c.proof;
        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), 32))
        }
        _refused(request, report, proof);
    }

    /// @dev Below the contract: the verifier itself must not take an instance plus the modulus.
    function test_verifier__when_an_instance_exceeds_the_modulus__then_it_is_refused() public view {
        Case memory c = _case("low");
        check(_verifies(c.proof, c.instances), "as made");
        for (uint256 i = 0; i < 12; ++i) {
            c.instances[i] += Field.MODULUS;
            check(!_verifies(c.proof, c.instances), "the same element, written otherwise");
            c.instances[i] -= Field.MODULUS;
        }
    }

    /// @dev The calldata hazard: two copies of the proof, one where the canonical encoding puts it and one where the offset
    /// points. Whatever stands where, the contract checks exactly the bytes that it decoded.
    function test_calldata__when_it_carries_two_proofs__then_only_the_decoded_one_counts() public {
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        bytes memory bad = _case("high").proof;
        check(bad.length == c.proof.length, "proofs have one length");

        bytes memory goodThenBad = _withTwo(
            abi.encodeCall(oracle.provideAssessment, (request, report, signatures, c.proof)),
            bad
        );
        (bool ok, bytes memory reason) = address(oracle).call(goodThenBad);
        check(!ok && bytes4(reason) == IAIRiskOracle.InvalidProof.selector, "the decoded proof is the bad one");

        bytes memory badThenGood = _withTwo(
            abi.encodeCall(oracle.provideAssessment, (request, report, signatures, bad)),
            c.proof
        );
        (ok, ) = address(oracle).call(badThenGood);
        check(ok, "the decoded proof is the good one");
        equal(oracle.assessmentOf(report.requestId).score, c.decoded[1], "and its numbers are stored");
    }

    function test_gas__when_proven__then_one_answer_stays_below_780_000() public {
        Case memory c = _case("low");
        (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) = _askCase(c);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        bytes memory data = abi.encodeCall(oracle.provideAssessment, (request, report, signatures, c.proof));
        uint256 intrinsic = 21_000;
        for (uint256 i = 0; i < data.length; ++i) intrinsic += data[i] == 0 ? 4 : 16;
        uint256 before = gasleft();
        (bool ok, ) = address(oracle).call(data);
        check(ok, "answered");
        check(before - gasleft() + intrinsic < 780_000, "gas of a whole transaction");
    }

    function _refused(
        IAIRiskOracle.Request memory request,
        IAIRiskOracle.Report memory report,
        bytes memory proof
    ) private {
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, realModel));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function _verifies(bytes memory proof, uint256[] memory instances) private view returns (bool) {
        try realVerifier.verifyProof(proof, instances) returns (bool valid) {
            return valid;
        } catch {
            return false;
        }
    }

    /// @dev Append a second proof to the arguments and point the proof's offset to it; the first stays in its place.
    function _withTwo(bytes memory call_, bytes memory second) private pure returns (bytes memory out) {
        uint256 end = call_.length - 4;
        out = bytes.concat(call_, bytes32(second.length), second);
        // Head: 12 words of the request, the report's offset, the signatures', the proof's.
        assembly ("memory-safe") {
            mstore(add(add(out, 0x24), mul(14, 0x20)), end)
        }
    }
}
