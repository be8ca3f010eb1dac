// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {LendingWorld} from "./support/LendingWorld.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {ProofFixture} from "./support/ProofFixture.sol";
import {WorldChecks} from "./support/WorldChecks.sol";

/// @notice The same life with the generated verifier: each answer is one of the real proofs, each forgery starts from one.
/// @dev A proof shows features and private data, neither wallet nor loan: those the signers add. So it can answer any
/// request that commits to the same private data.
contract RealWorld is LendingWorld, ProofFixture {
    /// @dev By mood, as {AskingWorld-_outputs} has it; the last shows other private data, and answers nothing here.
    string[5] private _names = ["high", "medium", "low", "clipped", "private"];

    Case[] private _cases;
    mapping(bytes32 outputsHash => uint256) private _caseOf;

    function setUp() public override(OracleFixture, ProofFixture) {
        super.setUp();
        for (uint256 i = 0; i < _names.length; ++i) {
            Case memory c = _case(_names[i]);
            _caseOf[_hash(c.outputs)] = i;
            _cases.push(c);
        }
    }

    function scales() external view override returns (bytes32) {
        return realScales;
    }

    function _modelId() internal view override returns (bytes32) {
        return realModel;
    }

    function _commitment() internal view override returns (bytes32) {
        return realNeutral;
    }

    function _outputs(uint256 mood, uint256) internal view override returns (int256[] memory) {
        return _cases[mood % (_names.length - 1)].outputs;
    }

    function _prove(
        IAIRiskOracle.Request memory,
        int256[] memory outputs
    ) internal view override returns (bytes memory, uint256[] memory) {
        Case storage c = _cases[_caseOf[_hash(outputs)]];
        return (c.proof, c.instances);
    }

    function _proofOfAnother(int256[] memory outputs) internal view override returns (bytes memory) {
        return _cases[(_caseOf[_hash(outputs)] + 1) % _names.length].proof;
    }

    function _hash(int256[] memory outputs) private pure returns (bytes32) {
        return keccak256(abi.encode(outputs));
    }
}

contract RealInvariantsTest is WorldChecks {
    function setUp() public {
        _inhabit(new RealWorld());
    }

    /// @dev What the runner does by chance: each proof answers, a loan is paid out, each kind of forgery is refused.
    function test_world__when_lived__then_real_proofs_answer_and_no_forgery_does() external {
        for (uint256 mood = 0; mood < 4; ++mood) {
            world.ask();
            world.answer(0, mood, 0, mood % 2 == 0);
            equal(world.ended(), mood + 1, "answered");
        }
        for (uint256 tokens = 0; tokens < 2; ++tokens) world.borrow(tokens == 1, 1_000, 1 ether, tokens);
        equal(world.pool().outstanding(), 1_000, "lent, ether");
        equal(world.lender().outstanding(), 1_000, "lent, tokens");
        world.askWithCallback();
        for (uint256 seed = 0; seed < 8; ++seed) world.forge(0, seed / 4, seed);
        equal(world.ended(), 6, "the last one waits");
        invariant_all_of_it_holds_with_real_proofs();
    }

    /// @dev In one, for a real proof takes its time to check.
    function invariant_all_of_it_holds_with_real_proofs() public view {
        _escrowAndOwedFeesAreTheBalance();
        _requestsEndAtMostOnce();
        _storedNumbersAreProven();
        _forgedAnswersAreRefused();
        _refusalsLast();
        _nothingIsStuckAndNothingJumps();
        _etherPoolOwnsWhatItOwes();
        _tokenPoolOwnsWhatItOwes();
    }
}
